// SPDX-License-Identifier: MIT
// The usage objects of OpenAI's dialect, in the ways of those who speak it. Pure; any thread.
#pragma once

#include <cstdint>

#include "dialect/told.h"
#include "dialect/usage.h"
#include "dialect/usage_report.h"

namespace cr::dialect::openai {

// Each takes the value the cursor is on; false on a fault of the JSON.
bool read_usage(Endpoint endpoint, json::JsonCursor& cursor, UsageReport& report, Told& told);
// A number of seconds, whole or not, also as text (older answers of OpenAI's): what it comes to in milliseconds.
bool read_seconds(json::JsonCursor& cursor, UsageReport& report);
// The `meta` of a rerank's answer (docs.cohere.com/v2/reference/rerank).
bool read_rerank_meta(json::JsonCursor& cursor, UsageReport& report);

// See MeterForm::to_usage.
Usage to_usage(Endpoint endpoint, const UsageReport& told, std::int64_t output_max);

}  // namespace cr::dialect::openai
