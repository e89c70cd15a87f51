// SPDX-License-Identifier: MIT
// The rows of the tables of fields (token_fields.h and its neighbours): what each member of a record's message is
// called, which members of its create and edit messages set it, and how crctl reads and tells it. The JSON of the
// messages, the differences an edit answers, crctl's flags and its columns are derived from the tables. Plain values,
// any thread.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include "base/field_table.h"

namespace cr::admin {

// How crctl reads what is typed for a setting.
enum class Typed {
  none,           // it has no flag that takes a value
  text,           // as it is
  text_or_none,   // as it is; the word none takes it away
  choice,         // one of the words of `metavar`
  list,           // "a,b", in an edit also "+a,-b"
  pairs,          // "k=v", in an edit also "-k"
  headers,        // "Name: value", in an edit also "-Name"
  quota,          // "20", "unlimited", in an edit also "+5"
  budgets,        // "5/day", in an edit also "+5/day" and "none/day"
  rate,           // "600", "12k", "unlimited"
  count,          // "-3"
  model_tokens,   // "800", "12k"
  duration,       // "30s"; the member counts milliseconds
  moment,         // "30d", "2027-12-31", "none"
  future_moment,  // as moment, and not in the past
};

// The order in which the changes an edit made are told, and crctl's flags explained.
enum class Section { identity, validity, spending, scope, routing, other };

enum class Role {
  computed,  // nobody sets it, and an edit does not tell of it
  told,      // no member of create or edit; where it changed, that is told
  setting,
};

struct FieldFacts {
  Section section = Section::other;
  std::string_view none = "none";  // what crctl and the differences call an empty value
  Typed typed = Typed::none;
  std::string_view flag = {}, metavar = {};
  std::string_view create_help = {}, edit_help = {};  // empty: the verb has no such flag
  int help_place = 0;                                 // lower ones are explained first, whatever their section
  std::string_view heading = {};                      // of crctl's column; empty: the field's name
  bool required = false;                              // in the create message
};

struct NoMember {};

template <Role role_, class Member, class Given, class Edited>
struct Field {
  static constexpr Role role = role_;
  static constexpr bool is_given = !std::is_same_v<Given, NoMember>;
  static constexpr bool is_edited = !std::is_same_v<Edited, NoMember>;

  std::string_view name;  // in JSON
  Member member;          // of the record's message
  Given given;            // of its create message
  Edited edited;          // of its edit message, where it is an optional
  FieldFacts facts;

  constexpr std::string_view heading() const { return facts.heading.empty() ? name : facts.heading; }
};

template <class Member>
constexpr auto computed(std::string_view name, Member member) {
  return Field<Role::computed, Member, NoMember, NoMember>{name, member, {}, {}, {}};
}

template <class Member>
constexpr auto told(std::string_view name, Member member) {
  return Field<Role::told, Member, NoMember, NoMember>{name, member, {}, {}, {}};
}

template <class Member, class Given, class Edited>
constexpr auto setting(std::string_view name, Member member, Given given, Edited edited, const FieldFacts& facts) {
  return Field<Role::setting, Member, Given, Edited>{name, member, given, edited, facts};
}

// What a row of a generic lambda is.
template <class Row>
inline constexpr Role k_role_of = std::remove_cvref_t<Row>::role;

// Visits the rows by their section, within one in the table's order.
template <class Table, class Visit>
constexpr void each_by_section(const Table& table, Visit&& visit) {
  for (int section = 0; section <= static_cast<int>(Section::other); ++section) {
    base::each_field(table, [&](const auto& row) {
      if (static_cast<int>(row.facts.section) == section) visit(row);
    });
  }
}

}  // namespace cr::admin
