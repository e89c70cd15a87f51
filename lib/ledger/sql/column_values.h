// SPDX-License-Identifier: MIT
// What a column of the store is read as; columns.h puts it into records. Pure; any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "billing/price_rules.h"
#include "ledger/core/operations.h"
#include "ledger/core/record_fields.h"
#include "ledger/core/records.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

// --- reading: what a column keeps; NULL and 0 are read as an empty value ---
inline void read_column(const Row& row, int at, std::int64_t& value) {
  value = row.column_int(at);
}
inline void read_column(const Row& row, int at, int& value) {
  value = static_cast<int>(row.column_int(at));
}
inline void read_column(const Row& row, int at, std::uint32_t& value) {
  value = static_cast<std::uint32_t>(row.column_int(at));
}
inline void read_column(const Row& row, int at, Ending& value) {
  value = static_cast<Ending>(row.column_int(at));
}
inline void read_column(const Row& row, int at, RequestId& value) {
  const auto id = row.column_blob(at);
  std::copy_n(id.begin(), std::min(id.size(), value.bytes.size()), value.bytes.begin());
}
inline void read_column(const Row& row, int at, std::string& value) {
  value = row.column_text(at);
}
template <std::size_t most>
void read_column(const Row& row, int at, base::ShortText<most>& value) {
  value = base::ShortText<most>(row.column_text(at));
}
inline void read_column(const Row& row, int at, bool& value) {
  value = row.column_int(at) != 0;
}
inline void read_column(const Row& row, int at, Switch& value) {
  value = row.column_int(at) != 0 ? Switch::on : Switch::off;
}
inline void read_column(const Row& row, int at, WhenLow& value) {
  value = row.column_int(at) == 0 ? WhenLow::clamp : WhenLow::refuse;
}
inline void read_column(const Row& row, int at, Time& value) {
  value = base::from_unix_ms(row.column_int(at));
}
inline void read_column(const Row& row, int at, Credits& value) {
  value = Credits::from_nano(row.column_int(at));
}
inline void read_column(const Row& row, int at, base::Rate& value) {
  value.nano_per_million = row.column_int(at);
}
inline void read_column(const Row& row, int at, std::chrono::milliseconds& value) {
  value = std::chrono::milliseconds(row.column_int(at));
}
template <class Tag>
void read_column(const Row& row, int at, base::RowId<Tag>& value) {
  value = {row.column_int(at)};
}
template <class T>
void read_column(const Row& row, int at, std::optional<T>& value) {
  if (!row.column_is_null(at)) read_column(row, at, value.emplace());
}
// The value of a column that stands beside a record.
template <class T>
T column_as(const Row& row, int at) {
  T value{};
  static_assert(std::is_void_v<decltype(read_column(row, at, value))>, "what cannot fail to be read");
  read_column(row, at, value);
  return value;
}
// Errors: `corrupt`, without the record's name.
base::Result<void> read_column(const Row& row, int at, std::vector<std::string>& value);
base::Result<void> read_column(const Row& row, int at, TextMap& value);
base::Result<void> read_column(const Row& row, int at, BudgetLimits& value);
base::Result<void> read_column(const Row& row, int at, base::Zone& value);
base::Result<void> read_column(const Row& row, int at, ChannelKind& value);
base::Result<void> read_column(const Row& row, int at, token::Digest& value);
base::Result<void> read_column(const Row& row, int at, billing::PriceRules& value);

}  // namespace cr::ledger
