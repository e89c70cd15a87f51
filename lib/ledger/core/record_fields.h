// SPDX-License-Identifier: MIT
// The rows of the ledger's tables of fields (token_fields.h and its neighbours): where each field of a record is kept,
// in memory and in the store, and what the audit calls it. The columns and parameters of SQL, the audit's detail and
// what counts as a change are derived from the tables. Plain values, any thread.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/field_table.h"

namespace cr::ledger {

// How a field's value is reached in its record: through one member, or a member of a member. All that is derived from
// the tables goes through it, so that a record may keep a value in another way by another class with these functions.
template <auto member, auto... rest>
struct At {
  static constexpr const auto& get(const auto& record) {
    if constexpr (sizeof...(rest) == 0) {
      return record.*member;
    } else {
      return At<rest...>::get(record.*member);
    }
  }
  template <class Value>
  static constexpr void set(auto& record, Value&& value) {
    if constexpr (sizeof...(rest) == 0) {
      record.*member = std::forward<Value>(value);
    } else {
      At<rest...>::set(record.*member, std::forward<Value>(value));
    }
  }
};

// What is not as usual of a field.
struct FieldFacts {
  std::string_view column = {};    // in the record's table; empty: as `name`
  std::string_view audit = {};     // in the audit's detail; empty: as `name`
  bool none_is_unlimited = false;  // an empty value is "unlimited" there, not null
  bool none_is_zero = false;       // an empty value is 0 in the store, not NULL
  bool empty_is_null = false;      // an empty text or a 0 is NULL in the store
};

enum class Role {
  kept,     // a column that is no setting: ids, times, rev
  setting,  // what an administrator sets: audited, and a column
  beside,   // audited like a setting, and kept in a table of its own
};

struct NoMember {};

// Access, New and Patch are each an At or the like: how the value is reached in the record, in what a new record is
// made of if that is not the record itself (NewToken), and in what an edit is given (TokenPatch).
template <Role role_, class Access, class New = NoMember, class Patch = NoMember>
struct Field {
  static constexpr Role role = role_;
  static constexpr bool is_column = role != Role::beside;
  static constexpr bool is_setting = role != Role::kept;
  using Wanted = New;
  using Patched = Patch;
  static constexpr bool is_wanted = !std::is_same_v<New, NoMember>;
  static constexpr bool is_patched = !std::is_same_v<Patch, NoMember>;

  std::string_view name;  // as the admin API calls it
  FieldFacts facts;

  constexpr std::string_view column() const { return facts.column.empty() ? name : facts.column; }
  constexpr std::string_view audit() const { return facts.audit.empty() ? name : facts.audit; }
  static constexpr const auto& get(const auto& record) { return Access::get(record); }
  template <class Value>
  static constexpr void set(auto& record, Value&& value) {
    Access::set(record, std::forward<Value>(value));
  }
};

template <class Access>
constexpr auto kept(std::string_view name) {
  return Field<Role::kept, Access>{name, {}};
}

template <class Access, class New = NoMember, class Patch = NoMember>
constexpr auto setting(std::string_view name, const FieldFacts& facts = {}) {
  return Field<Role::setting, Access, New, Patch>{name, facts};
}

template <class Access>
constexpr auto beside(std::string_view name) {
  return Field<Role::beside, Access>{name, {}};
}

// What a row is, in a generic lambda that is called with one.
template <class Row>
using FieldOf = std::remove_cvref_t<Row>;

// Whether every setting of two records is the same; what is kept beside them is not looked at.
template <class Table, class Record>
bool same_settings(const Table& table, const Record& a, const Record& b) {
  bool same = true;
  base::each_field(table, [&](const auto& field) {
    if constexpr (FieldOf<decltype(field)>::role == Role::setting) same = same && field.get(a) == field.get(b);
  });
  return same;
}

}  // namespace cr::ledger
