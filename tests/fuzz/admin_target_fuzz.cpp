// SPDX-License-Identifier: MIT
// Targets of the admin API: what is accepted is text fit for a terminal, says the same when it is encoded again, and
// matches exactly the patterns of its own shape.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "check.h"
#include "server/admin/target.h"

namespace {

std::string encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    constexpr std::string_view k_digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out.append({'%', k_digits[byte >> 4U], k_digits[byte & 15U]});
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cr::server::admin::match_pattern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = cr::server::admin::parse_target(text);
  if (!target) {
    CR_CHECK(cr::base::escape_for_terminal(target.error().message) == target.error().message);
    return 0;
  }
  std::string again = "/admin/v1", any;
  for (const auto& segment : target->segments) {
    CR_CHECK(!segment.empty() && cr::base::escape_for_terminal(segment) == segment);
    again += "/" + encode(segment);
    any += "/{name}";
  }
  for (const auto& [name, value] : target->query) {
    CR_CHECK(cr::base::escape_for_terminal(name) == name && cr::base::escape_for_terminal(value) == value);
    again += (again.find('?') == std::string::npos ? "?" : "&") + encode(name) + "=" + encode(value);
  }
  const auto same = cr::server::admin::parse_target(again);
  CR_CHECK(same && same->segments == target->segments && same->query == target->query);
  CR_CHECK(match_pattern(any, target->segments) == target->segments);
  CR_CHECK(!match_pattern(any + "/{name}", target->segments));
  CR_CHECK(target->segments.empty() || !match_pattern(any.substr(7), target->segments));
  return 0;
}
