// SPDX-License-Identifier: MIT
// The part of values.h that shows.
#include "crctl/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "base/text.h"

namespace cr::crctl {
namespace {

using base::Time;

constexpr int k_quota_bar_columns = 8;

std::string local(Time time, const char* format) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  const auto when = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::localtime_r(&when, &parts) == nullptr) return base::format_rfc3339(time);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), format, &parts);
  return {text.data(), size};
}

}  // namespace

Cell text_cell(std::string_view text, Style style) {
  return {std::string(text), {}, style};
}

Cell count_cell(std::int64_t count) {
  return {std::to_string(count), grouped(count)};
}

Cell bool_cell(bool value) {
  return {value ? "true" : "false", value ? "yes" : "no"};
}

std::string money_text(base::Credits amount, int decimals_max) {
  // Most requests cost less than a cent: rounded to cents, a day of them would look free.
  const bool small =
      amount > base::Credits::from_nano(-1'000'000'000) && amount < base::Credits::from_nano(1'000'000'000);
  return amount.to_display(small ? std::max(decimals_max, 6) : decimals_max);
}

Cell money_cell(base::Credits amount, int decimals_max) {
  return {amount.to_decimal(), money_text(amount, decimals_max)};
}

Cell quota_cell(const admin::Quota& quota) {
  return quota ? money_cell(*quota) : Cell{"unlimited", {}, Style::faint};
}

Cell list_cell(const std::vector<std::string>& items) {
  if (items.empty()) return {"all", {}, Style::faint};
  return {join(items, ","), base::escape_for_terminal(join(items))};
}

Cell tags_cell(const admin::Tags& tags) {
  std::vector<std::string> items;
  for (const auto& [key, value] : tags) items.push_back(value.empty() ? key : key + "=" + value);
  return {join(items, ","), base::escape_for_terminal(join(items))};
}

Cell past_cell(const std::optional<Time>& time, const View& view) {
  if (!time) return {"never", {}, Style::faint};
  return {base::format_rfc3339(*time), view.exact ? when_text(*time, view) : distance_text(*time, view.now)};
}

Cell expiry_cell(const std::optional<Time>& time, const View& view) {
  if (!time) return {"never", {}, Style::faint};
  const bool past = *time <= view.now;
  const bool soon = *time - view.now < std::chrono::hours(24 * 7);
  const Style style = past ? Style::bad : soon ? Style::warn : Style::none;
  if (view.exact) return {base::format_rfc3339(*time), when_text(*time, view), style};
  const std::string left = past ? distance_text(*time, view.now) : base::format_duration(*time - view.now);
  return {base::format_rfc3339(*time), left, style};
}

Cell status_cell(std::string_view status) {
  static constexpr std::array<std::pair<std::string_view, Style>, 10> k_styles{{{"enabled", Style::good},
                                                                                {"running", Style::good},
                                                                                {"rotating", Style::good},
                                                                                {"limited", Style::warn},
                                                                                {"not_yet_valid", Style::warn},
                                                                                {"draining", Style::warn},
                                                                                {"disabled", Style::faint},
                                                                                {"deleted", Style::faint},
                                                                                {"expired", Style::bad},
                                                                                {"exhausted", Style::bad}}};
  const auto* const known =
      std::find_if(k_styles.begin(), k_styles.end(), [&](const auto& style) { return style.first == status; });
  return text_cell(status, known == k_styles.end() ? Style::none : known->second);
}

Cell quota_bar_cell(const admin::Quota& left, const admin::Quota& quota, const View& view) {
  if (!left || !quota || quota->nano() <= 0) return {};
  const double fraction = static_cast<double>(left->nano()) / static_cast<double>(quota->nano());
  const Style style = fraction < 0.1 ? Style::bad : fraction < 0.25 ? Style::warn : Style::good;
  return {{}, bar(fraction, k_quota_bar_columns, view.unicode), style};
}

std::string local_time(Time time) {
  return local(time, "%Y-%m-%d %H:%M");
}

std::string when_text(Time time, const View& view) {
  return local(time, "%Y-%m-%d %H:%M:%S %Z") + " (" + distance_text(time, view.now) + ")";
}

std::string distance_text(Time time, Time now) {
  using std::chrono::floor;
  using std::chrono::seconds;
  const auto ahead = floor<seconds>(time) - floor<seconds>(now);
  if (ahead.count() == 0) return "now";
  if (ahead.count() > 0) return "in " + base::format_duration(ahead);
  return base::format_duration(-ahead) + " ago";
}

std::string took_text(std::int64_t ms) {
  return ms == 0 ? "<1ms" : base::format_duration(std::chrono::milliseconds(ms));
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string join(std::span<const std::string> items, std::string_view separator) {
  std::string all;
  for (const auto& item : items) {
    if (&item != items.data()) all += separator;
    all += item;
  }
  return all;
}

std::string bar(double fraction, int width, bool unicode) {
  static constexpr std::array<const char*, 8> k_eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  fraction = std::clamp(std::isfinite(fraction) ? fraction : 0.0, 0.0, 1.0);
  const int per_column = unicode ? 8 : 1;
  int steps = static_cast<int>(std::lround(fraction * width * per_column));
  if (fraction > 0 && steps == 0) steps = 1;
  std::string out;
  int columns = 0;
  for (; columns < steps / per_column; ++columns) out += unicode ? "█" : "#";
  if (steps % per_column != 0) {
    out += k_eighths[static_cast<std::size_t>(steps % per_column)];
    ++columns;
  }
  for (; columns < width; ++columns) out += unicode ? "·" : ".";
  return out;
}

std::string sparkline(std::span<const double> values, bool unicode) {
  static constexpr std::array<const char*, 8> k_blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> k_ascii{"_", ".", ",", "-", "=", "+", "*", "#"};
  double largest = 0;
  for (const double value : values) largest = std::max(largest, value);
  std::string out;
  for (const double value : values) {
    const double share = largest > 0 ? std::clamp(value / largest, 0.0, 1.0) : 0.0;
    const auto step = static_cast<std::size_t>(std::lround(share * 7));
    out += unicode ? k_blocks[step] : k_ascii[step];
  }
  return out;
}

}  // namespace cr::crctl
