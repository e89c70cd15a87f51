// SPDX-License-Identifier: MIT
#include "relay/routing/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace cr::relay::routing {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_retry_after_max{3'600'000};
constexpr double k_retry_after_max_ms = 3'600'000;

// Digits, with a fraction or without; beyond what a double holds it is merely large.
std::optional<double> parse_decimal(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  if (!plain || text.empty() || text.front() == '.' || text.back() == '.') return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc::result_out_of_range) return k_retry_after_max_ms;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, base::Time now) {
  if (const auto seconds = parse_decimal(value))
    return milliseconds(static_cast<std::int64_t>(std::min(*seconds * 1000, k_retry_after_max_ms)));
  std::tm parts{};
  const std::string text(value);
  // IMF-fixdate, the only form that is sent today (RFC 9110, 5.6.7).
  const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const auto at = base::from_unix_ms(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
  return std::clamp<milliseconds>(at - now, milliseconds(0), k_retry_after_max);
}

std::optional<milliseconds> told_wait(std::optional<std::string_view> retry_after, std::string_view retry_after_ms,
                                      base::Time now) {
  auto told = retry_after ? parse_retry_after(*retry_after, now) : std::nullopt;
  if (told == milliseconds(0)) told.reset();
  const auto by_ms = parse_decimal(retry_after_ms);
  if (!by_ms || *by_ms < 1) return told;
  const milliseconds shorter(static_cast<std::int64_t>(std::min(*by_ms, k_retry_after_max_ms)));
  return told ? std::min(*told, shorter) : shorter;
}

}  // namespace cr::relay::routing
