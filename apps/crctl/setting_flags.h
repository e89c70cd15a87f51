// SPDX-License-Identifier: MIT
// The flags of a record's settings: declared for create and edit as the record's table of fields says
// (admin/record_fields.h), and read into the members of their messages. One thread.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "admin/messages.h"
#include "admin/record_fields.h"
#include "base/result.h"
#include "crctl/flags.h"

namespace cr::crctl {

// What was typed for one setting; which of the four, its row says.
struct TypedSetting {
  std::optional<std::string> text;
  std::optional<Texts> texts;
  std::optional<std::int64_t> number;
  std::optional<std::chrono::milliseconds> duration;
  bool given() const { return text || texts || number || duration; }
};
// One for each row of a table. Must outlive the App.
template <class Table>
using TypedSettings = std::array<TypedSetting, std::tuple_size_v<std::remove_cvref_t<Table>>>;

enum class SettingVerb { create, edit };

void add_setting_flag(CLI::App& app, const admin::FieldFacts& facts, std::string_view help, TypedSetting& typed);

// The flags of the rows whose help_place is within [first, last].
template <class Table>
void add_setting_flags(CLI::App& app, SettingVerb verb, const Table& table, TypedSettings<Table>& typed, int first = 0,
                       int last = 2) {
  for (int place = first; place <= last; ++place) {
    admin::each_by_section(table, [&](const auto& row) {
      const auto help = verb == SettingVerb::create ? row.facts.create_help : row.facts.edit_help;
      if (row.facts.help_place != place || help.empty()) return;
      add_setting_flag(app, row.facts, help, typed[base::field_index(table, row.name)]);
    });
  }
}

template <class Settings>
bool any_given(const Settings& typed) {
  for (const auto& setting : typed) {
    if (setting.given()) return true;
  }
  return false;
}

// --- one typed setting as the member of a message: errors name the flag or the value ---
struct ReadAs {
  const admin::FieldFacts& facts;
  base::Time now;
};
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::string& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, bool& value);  // a choice of yes and no
// What is in the file that was named; "-" is stdin, and none an empty list.
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, admin::JsonText& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::int64_t& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::optional<std::int64_t>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::optional<base::Time>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, admin::Quota& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, admin::QuotaEdit& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::vector<std::string>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, admin::ListEdit& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::map<std::string, std::string>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed,
                                std::map<std::string, std::optional<std::string>>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed,
                                std::map<std::string, base::Credits>& value);
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed,
                                std::map<std::string, admin::QuotaEdit>& value);
template <class T>
base::Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::optional<T>& value) {
  return read_setting(as, typed, value.emplace());
}

// What was typed, into a create message; `each_given` is called with the name of each field that was.
template <class Table, class Message, class EachGiven>
base::Result<void> read_create(const Table& table, const TypedSettings<Table>& typed, base::Time now, Message& message,
                               const EachGiven& each_given) {
  base::Result<void> done;
  admin::each_by_section(table, [&](const auto& row) {
    const auto& setting = typed[base::field_index(table, row.name)];
    if (!done || !setting.given()) return;
    if constexpr (std::remove_cvref_t<decltype(row)>::is_given) {
      done = read_setting({row.facts, now}, setting, message.*row.given);
      each_given(row.name);
    }
  });
  return done;
}

// The same into an edit message.
template <class Table, class Message>
base::Result<void> read_edit(const Table& table, const TypedSettings<Table>& typed, base::Time now, Message& message) {
  base::Result<void> done;
  admin::each_by_section(table, [&](const auto& row) {
    const auto& setting = typed[base::field_index(table, row.name)];
    if (!done || !setting.given()) return;
    if constexpr (std::remove_cvref_t<decltype(row)>::is_edited) {
      done = read_setting({row.facts, now}, setting, message.*row.edited);
    }
  });
  return done;
}

}  // namespace cr::crctl
