// SPDX-License-Identifier: MIT
// The part of values.h that reads what was typed.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Time;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool means_unlimited(std::string_view text) {
  const std::string lower = base::to_lower_ascii(text);
  return lower == "unlimited" || lower == "none" || lower == "-1";
}

// Every entry of all the texts, untouched but trimmed. Text that comes to nothing is refused, blanks too: only '' is
// meant to lift a restriction.
Result<std::vector<std::string>> entries_of(std::string_view flag, std::span<const std::string> texts) {
  std::vector<std::string> entries;
  for (const auto& text : texts) {
    auto some = base::split_list(text);
    if (some.empty() && !text.empty()) {
      return fail(ErrorCode::invalid, fmt::format("{}: '{}' names nothing", flag, base::escape_for_terminal(text)),
                  fmt::format("write {}='' for no restriction", flag));
    }
    entries.insert(entries.end(), some.begin(), some.end());
  }
  return entries;
}

bool is_change(std::string_view entry) {
  return entry.front() == '+' || entry.front() == '-';
}

}  // namespace

Result<admin::Quota> parse_quota(std::string_view text) {
  text = trimmed(text);
  if (means_unlimited(text)) return admin::Quota{};
  auto amount = base::Credits::parse(text);
  if (!amount) return tl::unexpected(amount.error());
  return admin::Quota{*amount};
}

Result<admin::QuotaEdit> parse_quota_edit(std::string_view text) {
  text = trimmed(text);
  admin::QuotaEdit edit;
  // Both could be meant: no limit, as where a token is created, or a dollar less.
  if (text == "-1") {
    return fail(ErrorCode::invalid, "'-1' can mean two things here",
                "write -1.00 to take away a dollar, unlimited to lift the limit");
  }
  if (means_unlimited(text)) {
    edit.unlimited = true;
    return edit;
  }
  const bool change = !text.empty() && is_change(text);
  auto amount = base::Credits::parse_signed(change && text.front() == '+' ? text.substr(1) : text);
  if (!amount) return tl::unexpected(amount.error());
  if (change && text.front() == '+' && amount->nano() < 0) {
    return fail(ErrorCode::invalid, fmt::format("amount '{}' has two signs", base::escape_for_terminal(text)));
  }
  (change ? edit.delta : edit.set) = *amount;
  return edit;
}

namespace {

struct BudgetWords {
  std::string amount, period;
};

// "5/day" in its two parts.
Result<BudgetWords> budget_words(std::string_view flag, std::string_view text) {
  const auto slash = text.find('/');
  const auto period = slash == std::string_view::npos ? std::string_view() : trimmed(text.substr(slash + 1));
  if (period != "day" && period != "week" && period != "month") {
    return fail(ErrorCode::invalid, fmt::format("{}: '{}' is not a budget", flag, base::escape_for_terminal(text)),
                fmt::format("write {} 5/day, 20/week or 50/month", flag));
  }
  return BudgetWords{std::string(trimmed(text.substr(0, slash))), std::string(period)};
}

// Every entry of all the texts, its period named once.
template <class Value, class Parse>
Result<std::map<std::string, Value>> budgets_of(std::string_view flag, std::span<const std::string> texts,
                                                Parse parse) {
  std::map<std::string, Value> budgets;
  for (const auto& text : texts) {
    for (const auto& entry : base::split_list(text)) {
      const auto words = budget_words(flag, entry);
      if (!words) return tl::unexpected(words.error());
      auto value = parse(*words);
      if (!value) return tl::unexpected(value.error());
      if (!budgets.emplace(words->period, *std::move(value)).second) {
        return fail(ErrorCode::invalid, fmt::format("{}: two budgets a {}", flag, words->period),
                    "name each period once");
      }
    }
  }
  return budgets;
}

}  // namespace

Result<std::map<std::string, base::Credits>> parse_budgets(std::string_view flag, std::span<const std::string> texts) {
  const auto given =
      budgets_of<admin::Quota>(flag, texts, [](const BudgetWords& words) { return parse_quota(words.amount); });
  if (!given) return tl::unexpected(given.error());
  std::map<std::string, base::Credits> budgets;
  for (const auto& [period, limit] : *given) {
    if (limit) budgets.emplace(period, *limit);  // without a limit there is none
  }
  return budgets;
}

Result<std::map<std::string, admin::QuotaEdit>> parse_budgets_edit(std::string_view flag,
                                                                   std::span<const std::string> texts) {
  return budgets_of<admin::QuotaEdit>(flag, texts, [&](const BudgetWords& words) {
    auto edit = parse_quota_edit(words.amount);
    if (edit || words.amount != "-1") return edit;
    return Result<admin::QuotaEdit>(
        fail(ErrorCode::invalid, fmt::format("{}: '-1/{}' can mean two things here", flag, words.period),
             fmt::format("write -1.00/{0} to take away a dollar, none/{0} to take the budget away", words.period)));
  });
}

Result<std::optional<std::int64_t>> parse_rate(std::string_view flag, std::string_view text) {
  if (means_unlimited(trimmed(text))) return std::optional<std::int64_t>();
  const auto count = parse_token_count(text);
  if (!count || *count < 1 || *count > 1'000'000'000) {
    return fail(ErrorCode::invalid, fmt::format("{}: '{}' is not a rate", flag, base::escape_for_terminal(text)),
                "write 600, 12k, 1.5M or unlimited; to stop a token, disable it");
  }
  return std::optional(*count);
}

namespace {

// "2026-12-31", and nothing else.
bool is_date(std::string_view text) {
  constexpr std::string_view k_form = "0000-00-00";
  const auto fits = [](char form, char c) { return form == '-' ? c == '-' : c >= '0' && c <= '9'; };
  return std::equal(k_form.begin(), k_form.end(), text.begin(), text.end(), fits);
}

// The first moment after that day, where tables show times.
Time end_of_day(Time midnight_utc) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(midnight_utc));
  std::tm next{};
  next.tm_year = static_cast<int>(day.year()) - 1900;
  next.tm_mon = static_cast<int>(static_cast<unsigned>(day.month())) - 1;
  next.tm_mday = static_cast<int>(static_cast<unsigned>(day.day())) + 1;
  next.tm_isdst = -1;
  return Time(std::chrono::seconds(std::mktime(&next)));
}

}  // namespace

Result<std::optional<Time>> parse_expiry(std::string_view text, Time now) {
  text = trimmed(text);
  auto when = base::parse_when(text, now);
  if (!when) return tl::unexpected(when.error());
  // Of a day that is named the whole is meant.
  if (*when && is_date(text)) when = end_of_day(**when);
  if (*when && **when <= now) {
    return fail(ErrorCode::invalid, fmt::format("expiry '{}' is in the past", base::escape_for_terminal(text)),
                "write 30d, 2027-12-31, or never; to stop a token now, disable it");
  }
  return when;
}

Result<Time> parse_moment(std::string_view text, Time now) {
  text = trimmed(text);
  if (auto back = base::parse_duration(text)) return now - *back;
  if (auto time = base::parse_time(text)) return *time;
  return fail(ErrorCode::invalid, fmt::format("'{}' is neither a duration nor a date", base::escape_for_terminal(text)),
              "write 7d (back from now), 2026-12-31, or 2026-12-31T23:59:59Z");
}

Result<std::int64_t> parse_token_count(std::string_view text) {
  const std::string_view whole = text = trimmed(text);
  const auto refuse = [&] {
    return fail(ErrorCode::invalid,
                fmt::format("'{}' is not a count of model tokens", base::escape_for_terminal(whole)),
                "write 800, 12k or 1.5M");
  };
  if (text.empty()) return refuse();
  double factor = 1;
  if (text.back() == 'k' || text.back() == 'K') factor = 1e3;
  if (text.back() == 'M' || text.back() == 'm') factor = 1e6;
  if (factor > 1) text.remove_suffix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return refuse();
  const double count = number * factor;
  if (count < 0 || count >= 1e12 || std::abs(count - std::round(count)) > 1e-6) return refuse();
  return static_cast<std::int64_t>(std::llround(count));
}

Result<int> parse_percent(std::string_view text) {
  std::string_view digits = trimmed(text);
  if (!digits.empty() && digits.back() == '%') digits.remove_suffix(1);
  int percent = 0;
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, percent);
  if (digits.empty() || error != std::errc() || stop != end || percent < 0 || percent > 100) {
    return fail(ErrorCode::invalid, fmt::format("'{}' is not a percentage", base::escape_for_terminal(text)),
                "write 0% to 100%");
  }
  return percent;
}

Result<std::vector<std::string>> parse_list(std::string_view flag, std::span<const std::string> texts) {
  auto entries = entries_of(flag, texts);
  if (!entries) return entries;
  const auto change =
      std::find_if(entries->begin(), entries->end(), [](const auto& entry) { return is_change(entry); });
  if (change != entries->end()) {
    return fail(
        ErrorCode::invalid,
        fmt::format("{}: '{}' would change a list, and there is none yet", flag, base::escape_for_terminal(*change)),
        "name the entries without + or -");
  }
  return entries;
}

Result<admin::ListEdit> parse_list_edit(std::string_view flag, std::span<const std::string> texts) {
  auto entries = entries_of(flag, texts);
  if (!entries) return tl::unexpected(entries.error());
  admin::ListEdit edit;
  std::vector<std::string> whole;
  for (const auto& entry : *entries) {
    if (!is_change(entry)) {
      whole.push_back(entry);
      continue;
    }
    const std::string_view item = trimmed(std::string_view(entry).substr(1));
    if (item.empty()) {
      return fail(ErrorCode::invalid, fmt::format("{}: '{}' names nothing", flag, base::escape_for_terminal(entry)));
    }
    (entry.front() == '+' ? edit.add : edit.remove).emplace_back(item);
  }
  const bool changes = !edit.add.empty() || !edit.remove.empty();
  if (changes && !whole.empty()) {
    return fail(
        ErrorCode::invalid,
        fmt::format("{}: '{}' is a whole list and the rest are changes", flag, base::escape_for_terminal(whole[0])),
        "give either a whole list or only +x and -x");
  }
  if (!changes) edit.set = std::move(whole);
  return edit;
}

Result<admin::Tags> parse_pairs(std::string_view flag, std::span<const std::string> texts) {
  admin::Tags pairs;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    const std::string_view key = trimmed(std::string_view(text).substr(0, equals));
    if (key.empty() || is_change(key)) {
      return fail(ErrorCode::invalid, fmt::format("{}: '{}' has no name", flag, base::escape_for_terminal(text)),
                  fmt::format("write {} name=value", flag));
    }
    pairs[std::string(key)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return pairs;
}

Result<std::map<std::string, std::optional<std::string>>> parse_pairs_edit(std::string_view flag,
                                                                           std::span<const std::string> texts) {
  std::map<std::string, std::optional<std::string>> edit;
  for (const auto& text : texts) {
    if (text.size() > 1 && text.front() == '-') {
      edit[text.substr(1)] = std::nullopt;
      continue;
    }
    const std::string one[] = {text.starts_with("+") ? text.substr(1) : text};
    auto pairs = parse_pairs(flag, one);
    if (!pairs) return tl::unexpected(pairs.error());
    for (auto& [key, value] : *pairs) edit[key] = value;
  }
  return edit;
}

}  // namespace cr::crctl
