// SPDX-License-Identifier: MIT
// MeterForm: how a dialect tells usage in its responses, for the Meter that keeps count of them. One constant a vendor,
// in the vendor's folder. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dialect/endpoint.h"
#include "dialect/text_tally.h"
#include "dialect/usage.h"
#include "dialect/usage_report.h"

namespace cr::dialect {

// What one JSON object of a response says; it counts only once all of it has proved to be JSON. The views are into it.
struct Reading {
  UsageReport usage;
  bool has_usage = false;
  UsageReport duration;     // of a verbose transcription, where its usage says nothing of time
  UsageReport first_usage;  // of a stream's first event: its output is a placeholder
  bool error = false;
  bool no_choices = false;  // there is a list of choices, and it is empty
  bool last = false;        // a stream's own last word
  TextTally text;
  std::optional<std::int64_t> images;  // that a whole body has
  bool one_image = false;              // the event brings one, with its own usage
  std::string_view id;                 // of the response, as its provider keeps it
};

struct MeterForm {
  enum class Part { event, body };
  // False: not JSON as the dialect has it, and nothing of `reading` counts.
  bool (*read)(Endpoint endpoint, Part part, std::string_view json, Reading& reading);
  // What the fields come to: cached parts within the input. Needs `input`, or `total` where there is no output.
  Usage (*to_usage)(Endpoint endpoint, const UsageReport& report);
};

}  // namespace cr::dialect
