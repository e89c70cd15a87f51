// SPDX-License-Identifier: MIT
// MeterForm: how a dialect tells usage in its responses, for the Meter that keeps count of them. One constant a vendor,
// in the vendor's folder. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dialect/endpoint.h"
#include "dialect/text_tally.h"
#include "dialect/told.h"
#include "dialect/usage.h"
#include "dialect/usage_report.h"

namespace cr::dialect {

// Scalars of a response, by their names and as they stand there; what does not fit is dropped.
class ScalarMembers {
 public:
  struct Member {
    std::string_view key, raw;
  };
  void add(std::string_view key, std::string_view raw) {
    if (size_ < members_.size()) members_[size_++] = {key, raw};
  }
  std::span<const Member> all() const { return std::span(members_).first(size_); }

 private:
  std::array<Member, 24> members_;
  std::size_t size_ = 0;
};

// An element of a response's list `output`.
struct OutputItem {
  std::string_view type;
  std::string_view container;  // of a code interpreter's call; where it names none, the call's own id
  bool free = false;           // a web search's call that only opens a page or looks in one
};

// What one JSON object of a response says; it counts only once all of it has proved to be JSON. The views are into it.
struct Reading {
  UsageReport usage;
  bool has_usage = false;
  // Of a place that `usage` overrides: a stream's first event, where the output is a placeholder and is left out; a
  // choice, or x_groq.
  UsageReport lesser_usage;
  std::optional<std::int64_t> duration_ms;  // of a verbose transcription, where its usage says nothing of time
  Told told;                                // of its usage
  ScalarMembers scalars;                    // of the response itself
  std::vector<OutputItem> output;           // items that have come to their end
  bool has_output_list = false;             // they are all of the response's
  bool answers = false;  // it has a member that only an answer of its endpoint has, and something in it
  bool ping = false;     // an event that only keeps the connection alive
  bool has_code = false, has_message = false;   // as what is no error of the dialect's form has them
  std::optional<std::int64_t> sequence_number;  // of an event of a response
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
  // `output_max`: what the request allows, beyond which a total says nothing of the output.
  Usage (*to_usage)(Endpoint endpoint, const UsageReport& report, std::int64_t output_max);
};

}  // namespace cr::dialect
