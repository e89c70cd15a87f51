// SPDX-License-Identifier: MIT
// Writes a JSON string. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::json {

// With its quotes. Bytes that are not UTF-8 become U+FFFD, so that what is written is always valid.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

}  // namespace cr::json
