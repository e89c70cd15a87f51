// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "ledger/core/price_fields.h"
#include "ledger/sql/audit.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {

void Where::add_ids(std::string_view column, const std::vector<std::int64_t>& ids) {
  std::string condition = std::string(column) + (ids.size() == 1 ? " = " : " IN (");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    condition += i == 0 ? "?" : ",?";
    values_.push_back({ids[i], {}, Value::Kind::number});
  }
  add(condition + (ids.size() == 1 ? "" : ")"));
}

std::vector<SqlValue> Where::values() const {
  std::vector<SqlValue> values;
  values.reserve(values_.size());
  for (const Value& value : values_) {
    switch (value.kind) {
      case Value::Kind::number:
        values.emplace_back(value.number);
        break;
      case Value::Kind::text:
        values.emplace_back(value.text);
        break;
      case Value::Kind::blob:
        values.emplace_back(Blob{{reinterpret_cast<const std::uint8_t*>(value.text.data()), value.text.size()}});
        break;
    }
  }
  return values;
}

RequestId first_id(Time time) {
  RequestId id;
  auto ms =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(base::to_unix_ms(time), 0, (std::int64_t{1} << 48) - 1));
  for (std::size_t i = 6; i-- > 0; ms >>= 8) id.bytes[i] = static_cast<std::uint8_t>(ms);
  return id;
}

bool is_pruned(std::string_view id, Time pruned_before) {
  return pruned_before > Time() && id < to_hex(first_id(pruned_before + std::chrono::milliseconds(1)).bytes);
}

Result<std::vector<std::int64_t>> ids_named(SqlSession& sql, std::string_view table, std::string_view name) {
  std::vector<std::int64_t> ids;
  // Each has an index of its own.
  for (const std::string_view kept : {"deleted_at IS NULL", "deleted_at IS NOT NULL"}) {
    const std::string query =
        "SELECT id FROM " + std::string(table) + " WHERE " + std::string(k_is_named) + " AND " + std::string(kept);
    auto read = sql.each_row(
        query,
        [&](const Row& row) -> Result<void> {
          ids.push_back(row.column_int(0));
          return {};
        },
        name);
    if (!read) return tl::unexpected(read.error());
  }
  if (ids.empty()) return tl::unexpected(no_such_row(sql, table, name, Among::all));
  return ids;
}

Result<std::string> Reports::Impl::name_of(std::string_view table, std::int64_t id) {
  if (id == 0) return std::string();
  const auto name = sql.find_text("SELECT name FROM " + std::string(table) + " WHERE id = ?1", id);
  if (!name) return tl::unexpected(name.error());
  return name->value_or("#" + std::to_string(id));
}

namespace {

template <class... Values>
Result<std::vector<AccountRow>> accounts_where(SqlSession& statements, std::string_view rest, const Values&... values) {
  std::vector<AccountRow> rows;
  const std::string sql =
      select(std::string(k_account_columns) +
                 ", account_balance.posted, account_balance.reserved,"
                 " (SELECT count(*) FROM token WHERE token.account_id = account.id AND token.deleted_at IS NULL)",
             "FROM account JOIN account_balance ON account_balance.account_id = account.id"
             " WHERE account.deleted_at IS NULL" +
                 std::string(rest));
  auto read = statements.each_row(
      sql,
      [&](const Row& row) -> Result<void> {
        rows.push_back({account_of(row), Credits::from_nano(row.column_int(k_account_column_count)),
                        Credits::from_nano(row.column_int(k_account_column_count + 1)),
                        row.column_int(k_account_column_count + 2)});
        return {};
      },
      values...);
  if (!read) return tl::unexpected(read.error());
  return rows;
}

// Fills in who belongs to them.
Result<std::vector<GroupRow>> with_members(SqlSession& statements, std::vector<GroupRow> rows) {
  std::map<std::string, GroupRow*, std::less<>> by_name;
  for (GroupRow& row : rows) by_name[row.group.name] = &row;
  Result<void> read;
  const auto each_member = [&](const std::string& sql, const std::function<void(GroupRow&, const Row&)>& add) {
    if (!read) return;
    read = statements.each_row(sql, [&](const Row& row) -> Result<void> {
      if (const auto found = by_name.find(row.column_text(0)); found != by_name.end()) add(*found->second, row);
      return {};
    });
  };
  const Dialect dialect = statements.dialect();
  each_member("SELECT member.value, channel.name FROM channel, " +
                  each_of_json(dialect, JsonKind::list, "channel.groups", "member") +
                  " WHERE channel.deleted_at IS NULL ORDER BY channel.name",
              [](GroupRow& group, const Row& row) { group.channels.emplace_back(row.column_text(1)); });
  each_member("SELECT member.value, count(*) FROM token, " +
                  each_of_json(dialect, JsonKind::list, "token.groups", "member") +
                  " WHERE token.deleted_at IS NULL GROUP BY member.value",
              [](GroupRow& group, const Row& row) { group.tokens = row.column_int(1); });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

}  // namespace

Result<std::vector<AccountRow>> Reports::accounts() {
  return accounts_where(impl_.sql, " ORDER BY account.name");
}

Result<AccountRow> Reports::account(std::string_view name) {
  auto rows = accounts_where(impl_.sql, " AND " + std::string(k_is_named), name);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return tl::unexpected(no_such_row(impl_.sql, "account", name, Among::live));
  return std::move(rows->front());
}

Result<std::vector<GroupRow>> Reports::groups() {
  std::vector<GroupRow> rows;
  auto read =
      impl_.sql.each_row(select(k_group_columns, "FROM grp ORDER BY grp.name"), [&](const Row& row) -> Result<void> {
        rows.push_back({group_of(row), {}, 0});
        return {};
      });
  if (!read) return tl::unexpected(read.error());
  return with_members(impl_.sql, std::move(rows));
}

Result<GroupRow> Reports::group(std::string_view name) {
  std::vector<GroupRow> rows;
  auto read = impl_.sql.each_row(
      select(k_group_columns, "FROM grp WHERE " + std::string(k_is_named)),
      [&](const Row& row) -> Result<void> {
        rows.push_back({group_of(row), {}, 0});
        return {};
      },
      name);
  if (!read) return tl::unexpected(read.error());
  if (rows.empty()) return tl::unexpected(no_such_row(impl_.sql, "grp", name, Among::live));
  auto whole = with_members(impl_.sql, std::move(rows));
  if (!whole) return tl::unexpected(whole.error());
  return std::move(whole->front());
}

Result<std::vector<PriceRecord>> Reports::prices(std::string_view model_glob) {
  std::vector<PriceRecord> rows;
  const Dialect dialect = impl_.sql.dialect();
  auto read = impl_.sql.each_row(
      select(k_price_columns, "FROM price WHERE " + glob(dialect, "model", "?1") + " ORDER BY model, effective_at"),
      [&](const Row& row) -> Result<void> {
        auto price = price_of(row);
        if (!price) return tl::unexpected(price.error());
        rows.push_back(std::move(*price));
        return {};
      },
      glob_pattern(dialect, model_glob.empty() ? "*" : model_glob));
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Result<std::optional<PriceRecord>> Reports::price_generation(std::int64_t generation) {
  static const std::string columns = select_list("price_generation", columns_in(k_price_fields, "generation"));
  std::optional<PriceRecord> price;
  auto read = impl_.sql.each_row(
      select(columns + ", id", "FROM price_generation WHERE id = ?1"),
      [&](const Row& row) -> Result<void> {
        auto found = price_of(row);
        if (!found) return tl::unexpected(found.error());
        price = std::move(*found);
        return {};
      },
      generation);
  if (!read) return tl::unexpected(read.error());
  return price;
}

}  // namespace cr::ledger
