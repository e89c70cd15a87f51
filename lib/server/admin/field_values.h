// SPDX-License-Identifier: MIT
// Settings on their way between the admin API's messages and the ledger's records. Which member goes where is said by
// the tables of fields of both sides (admin/token_fields.h, ledger/core/token_fields.h and their neighbours), joined by
// the fields' names; here is only how a value of one side becomes one of the other. A pair of types that nothing is
// said of does not compile, so that no setting is forgotten. Pure, any thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "admin/channel_messages.h"
#include "admin/messages.h"
#include "admin/record_fields.h"
#include "admin/token_messages.h"
#include "billing/price_rules.h"
#include "ledger/core/record_fields.h"
#include "ledger/core/store.h"

namespace cr::server::admin {

bool has(const std::vector<std::string>& list, const std::string& item);

using StringMap = std::map<std::string, std::string>;
using StringMapEdit = std::map<std::string, std::optional<std::string>>;  // none takes the entry away
// From the old list to the new one. Taking away what is not there is `invalid`; adding what is there is nothing.
using ListChange = std::function<base::Result<std::vector<std::string>>(const std::vector<std::string>&)>;
ListChange list_change(std::string member, cr::admin::ListEdit edit);
using BudgetChanges = decltype(ledger::TokenPatch::budgets);

base::Result<base::Period> read_period(const std::string& member, const std::string& name);

// --- records to messages ---
template <class T>
void show_value(T& shown, const T& kept) {
  shown = kept;
}
void show_value(bool& shown, token::Switch kept);
void show_value(std::string& shown, const base::Zone& kept);
void show_value(std::string& shown, ledger::WhenLow kept);
void show_value(std::string& shown, provider::Kind kept);
void show_value(std::string& shown, std::int64_t millionths);  // a group's factor
void show_value(std::string& shown, base::Rate kept);
void show_value(std::string& shown, base::Credits kept);
void show_value(std::optional<std::string>& shown, const std::optional<base::Rate>& kept);
void show_value(cr::admin::JsonText& shown, const billing::PriceRules& kept);
void show_value(std::int64_t& shown, std::chrono::milliseconds kept);
template <class Tag>
void show_value(std::int64_t& shown, base::RowId<Tag> kept) {
  shown = kept.value;
}
// What the field alone does not tell: the view of its record does.
inline void show_value(std::string&, base::AccountId) {}
inline void show_value(std::vector<cr::admin::Budget>&, const ledger::BudgetLimits&) {}
inline void show_value(std::vector<cr::admin::ChannelKeyInfo>&, const std::vector<token::KeyHint>&) {}

// --- messages to records, to what makes them and to patches; an error names `member` ---
template <class T>
base::Result<void> take_value(std::string_view, T& place, const T& given) {
  place = given;
  return {};
}
base::Result<void> take_value(std::string_view member, token::Switch& place, bool given);
base::Result<void> take_value(std::string_view member, base::Zone& place, const std::string& given);  // "" = UTC
base::Result<void> take_value(std::string_view member, ledger::WhenLow& place, const std::string& given);
base::Result<void> take_value(std::string_view member, provider::Kind& place, const std::string& given);
base::Result<void> take_value(std::string_view member, std::int64_t& millionths, const std::string& given);
base::Result<void> take_value(std::string_view member, base::Rate& place, const std::string& given);
base::Result<void> take_value(std::string_view member, base::Credits& place, const std::string& given);
// "none" takes it away.
base::Result<void> take_value(std::string_view member, std::optional<base::Rate>& place, const std::string& given);
base::Result<void> take_value(std::string_view member, billing::PriceRules& place, const cr::admin::JsonText& given);
// 1 ms to a day; a delay may be none.
base::Result<void> take_value(std::string_view member, std::chrono::milliseconds& place, std::int64_t given);
base::Result<void> take_value(std::string_view member, std::vector<std::string>& place,
                              const cr::admin::ListEdit& given);
base::Result<void> take_value(std::string_view member, StringMap& place, const StringMapEdit& given);
base::Result<void> take_value(std::string_view member, ledger::QuotaChange& place, const cr::admin::QuotaEdit& given);
base::Result<void> take_value(std::string_view member, ListChange& place, const cr::admin::ListEdit& given);
base::Result<void> take_value(std::string_view member, ledger::BudgetLimits& place,
                              const std::map<std::string, base::Credits>& given);
base::Result<void> take_value(std::string_view member, BudgetChanges& place,
                              const std::map<std::string, cr::admin::QuotaEdit>& given);
template <class T, class Given>
requires(!std::is_same_v<std::optional<T>, Given>) base::Result<void> take_value(std::string_view member,
                                                                                 std::optional<T>& place,
                                                                                 const Given& given) {
  T value{};
  auto taken = take_value(member, value, given);
  if (taken) place = std::move(value);
  return taken;
}

// Calls visit(row, twin) for each row of `messages` whose name `records` has too.
template <const auto& messages, const auto& records, class Visit>
constexpr void each_shared_field(Visit&& visit) {
  const auto one = [&]<std::size_t at>(std::integral_constant<std::size_t, at>) {
    constexpr auto twin = base::field_index(records, std::get<at>(messages).name);
    if constexpr (twin < std::tuple_size_v<std::remove_cvref_t<decltype(records)>>)
      visit(std::get<at>(messages), std::get<twin>(records));
  };
  [&]<std::size_t... at>(std::index_sequence<at...>) {
    (one(std::integral_constant<std::size_t, at>()), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(messages)>>>());
}

template <const auto& messages, const auto& records, class Message, class Record>
void show_fields(Message& message, const Record& record) {
  each_shared_field<messages, records>(
      [&](const auto& row, const auto& twin) { show_value(message.*row.member, twin.get(record)); });
}

// Through Access (a ledger::At, or a row, which is one of its record).
template <class Access, class Made, class Given>
base::Result<void> take_through(std::string_view member, Made& made, const Given& given) {
  auto value = Access::get(made);
  auto taken = take_value(member, value, given);
  if (taken) Access::set(made, std::move(value));
  return taken;
}

// A create message into what a record is made of. What is absent, an empty text or an empty list leaves what stands
// there.
template <const auto& messages, const auto& records, class Create, class Made>
base::Result<void> take_created(const Create& create, Made& made) {
  base::Result<void> done;
  each_shared_field<messages, records>([&](const auto& row, const auto& twin) {
    using Row = std::remove_cvref_t<decltype(row)>;
    using Twin = std::remove_cvref_t<decltype(twin)>;
    if constexpr (Row::is_given) {
      using Access = std::conditional_t<Twin::is_wanted, typename Twin::Wanted, Twin>;
      const auto& given = create.*row.given;
      if (!done) return;
      if constexpr (requires { given.has_value(); }) {
        if (given) done = take_through<Access>(row.name, made, *given);
      } else if constexpr (requires { given.empty(); }) {
        if (!given.empty()) done = take_through<Access>(row.name, made, given);
      } else {
        done = take_through<Access>(row.name, made, given);
      }
    }
  });
  return done;
}

// An edit message into a patch, or into the record itself.
template <const auto& messages, const auto& records, class Edit, class Changed>
base::Result<void> take_edited(const Edit& edit, Changed& changed) {
  base::Result<void> done;
  each_shared_field<messages, records>([&](const auto& row, const auto& twin) {
    using Row = std::remove_cvref_t<decltype(row)>;
    using Twin = std::remove_cvref_t<decltype(twin)>;
    if constexpr (Row::is_edited) {
      using Access = std::conditional_t<Twin::is_patched, typename Twin::Patched, Twin>;
      if (done && edit.*row.edited) done = take_through<Access>(row.name, changed, *(edit.*row.edited));
    }
  });
  return done;
}

}  // namespace cr::server::admin
