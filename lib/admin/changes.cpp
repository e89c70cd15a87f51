// SPDX-License-Identifier: MIT
#include "admin/changes.h"

#include "admin/account_fields.h"
#include "admin/channel_fields.h"
#include "admin/price_fields.h"
#include "admin/token_fields.h"
#include "base/text.h"

namespace cr::admin {
namespace {

// --- a value in words; empty where there is none ---
std::string words(const std::string& value) {
  return value;
}
std::string words(bool value) {
  return value ? "yes" : "no";
}
std::string words(const JsonText& value) {
  return value.text;
}
std::string words(std::int64_t value) {
  return std::to_string(value);
}
std::string words(Credits value) {
  return value.to_display();
}
std::string words(Time value) {
  return base::format_rfc3339(value);
}
std::string words(const Budget& budget) {
  return budget.limit.to_display() + "/" + budget.period;
}
std::string words(const ChannelKeyInfo& key) {
  return key.first + "..." + key.last;
}
std::string words(const std::pair<const std::string, std::string>& pair) {
  return pair.first + "=" + pair.second;
}
template <class T>
std::string words(const std::optional<T>& value) {
  return value ? words(*value) : std::string();
}
std::string joined(const auto& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ",") + words(item);
  return text;
}
template <class T>
std::string words(const std::vector<T>& items) {
  return joined(items);
}
std::string words(const std::map<std::string, std::string>& pairs) {
  return joined(pairs);
}

// --- what counts as a change of it ---
template <class T>
bool differ(const T& before, const T& after) {
  return before != after;
}
// Of a budget its limit is set; the rest moves by itself.
bool differ(const std::vector<Budget>& before, const std::vector<Budget>& after) {
  return words(before) != words(after);
}
bool differ(const std::vector<ChannelKeyInfo>& before, const std::vector<ChannelKeyInfo>& after) {
  return words(before) != words(after);
}

std::string or_none(std::string text, std::string_view none) {
  return text.empty() ? std::string(none) : std::move(text);
}

}  // namespace

template <class Record>
std::vector<Change> changes_between(const Record& before, const Record& after) {
  std::vector<Change> changes;
  each_by_section(fields_of(before), [&](const auto& row) {
    if constexpr (k_role_of<decltype(row)> != Role::computed) {
      const auto& old_value = before.*row.member;
      const auto& new_value = after.*row.member;
      if (!differ(old_value, new_value)) return;
      const auto none = row.facts.none;
      changes.push_back({std::string(row.name), or_none(words(old_value), none), or_none(words(new_value), none)});
    }
  });
  return changes;
}

template <class Record>
std::vector<Change> changes_to_nothing(const Record& before) {
  std::vector<Change> changes;
  each_by_section(fields_of(before), [&](const auto& row) {
    if constexpr (k_role_of<decltype(row)> != Role::computed) {
      const auto& value = before.*row.member;
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, bool>) {
        if (!value) return;
      }
      if (auto text = words(value); !text.empty()) {
        changes.push_back({std::string(row.name), std::move(text), std::string(row.facts.none)});
      }
    }
  });
  return changes;
}

template std::vector<Change> changes_between(const Token&, const Token&);
template std::vector<Change> changes_between(const Channel&, const Channel&);
template std::vector<Change> changes_between(const Group&, const Group&);
template std::vector<Change> changes_between(const Account&, const Account&);
template std::vector<Change> changes_between(const Price&, const Price&);
template std::vector<Change> changes_to_nothing(const Price&);

}  // namespace cr::admin
