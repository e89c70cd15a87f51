// SPDX-License-Identifier: MIT
// ContentCoding: the codings that crd undoes (RFC 9110, 8.4.1; zstd: RFC 8878 and RFC 9659; br: RFC 7932): all of
// them in answers, which are asked for in none; in requests all but br. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace cr::http::coding {

enum class ContentCoding { identity, gzip, deflate, zstd, br };

// For Accept-Encoding in the response to a coding that is not among them (RFC 9110, 15.5.16).
inline constexpr std::string_view k_accepted_codings = "gzip, deflate, zstd";

// The value of a Content-Encoding field. An empty value, empty list elements and "identity" stand for no coding; none:
// a coding that is not known here, or more than one.
std::optional<ContentCoding> parse_content_coding(std::string_view value);

}  // namespace cr::http::coding
