// SPDX-License-Identifier: MIT
#include <algorithm>

#include "ledger/core/request_fields.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/rows.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;

constexpr int k_reservation_columns = count_columns(k_reservation_fields);
constexpr int k_open_column = k_reservation_columns + count_columns(k_ending_fields);

// "SELECT ... FROM request", and the same columns of the open ones, of which those that an ending adds are NULL.
const std::string& ended_rows() {
  static const std::string text = "SELECT " + select_list("request", columns_in(k_reservation_fields)) + ", " +
                                  select_list("request", columns_in(k_ending_fields)) + ", 0 FROM request";
  return text;
}
const std::string& open_rows() {
  static const std::string text = [] {
    std::string made = "SELECT " + select_list("reservation", columns_in(k_reservation_fields));
    for (int i = 0; i < count_columns(k_ending_fields); ++i) made += ", NULL";
    return made + ", 1 FROM reservation";
  }();
  return text;
}

RequestRow row_of(const Row& row) {
  RequestRow request;
  read_columns(k_reservation_fields, row, 0, request);
  read_columns(k_ending_fields, row, k_reservation_columns, request);
  request.open = row.column_int(k_open_column) != 0;
  return request;
}

Result<void> name_all(Reports::Impl& impl, std::vector<RequestRow>& rows) {
  for (RequestRow& row : rows) {
    auto token = impl.name_of("token", row.booking.token.value);
    auto account = impl.name_of("account", row.booking.account.value);
    auto channel = impl.name_of("channel", row.settlement.channel.value);
    for (const auto* name : {&token, &account, &channel}) {
      if (!*name) return tl::unexpected(name->error());
    }
    row.token_name = std::move(*token);
    row.account_name = std::move(*account);
    row.channel_name = std::move(*channel);
  }
  return {};
}

// Filters that both tables have the columns for.
Result<Where> common_filters(SqlSession& sql, const RequestQuery& query) {
  Where where;
  for (const auto& [table, name] : {std::pair("token", &query.token), std::pair("account", &query.account)}) {
    if (!*name) continue;
    const auto ids = ids_named(sql, table, **name);
    if (!ids) return tl::unexpected(ids.error());
    where.add_ids(std::string(table) + "_id", *ids);
  }
  if (query.model) where.add_glob(sql.dialect(), "model", *query.model);
  if (query.since) where.add_blob("id >= ?", first_id(*query.since).bytes);
  if (query.until) where.add_blob("id < ?", first_id(*query.until).bytes);
  if (query.before) where.add_blob("id < ?", query.before->bytes);
  if (query.after) where.add_blob("id > ?", query.after->bytes);
  return where;
}

Result<std::vector<RequestRow>> fetch(SqlSession& sql, const std::string& text, const Where& ended, const Where* open,
                                      std::size_t limit) {
  std::vector<SqlValue> values = ended.values();
  if (open != nullptr) std::ranges::copy(open->values(), std::back_inserter(values));
  values.emplace_back(static_cast<std::int64_t>(limit));
  std::vector<RequestRow> rows;
  auto read = sql.each_row_with(
      text,
      [&](const Row& row) -> Result<void> {
        rows.push_back(row_of(row));
        return {};
      },
      values);
  if (!read) return tl::unexpected(read.error());
  return rows;
}

}  // namespace

Result<std::vector<RequestRow>> Reports::requests(const RequestQuery& query) {
  const auto open = common_filters(impl_.sql, query);
  if (!open) return tl::unexpected(open.error());
  Where ended = *open;
  // An open request has neither a channel nor an error yet.
  const bool with_open = !query.channel && !query.error;
  if (query.channel) {
    const auto ids = ids_named(impl_.sql, "channel", *query.channel);
    if (!ids) return tl::unexpected(ids.error());
    ended.add_ids("channel_id", *ids);
  }
  if (query.error && *query.error == "*") {
    ended.add("error IS NOT NULL");
  } else if (query.error) {
    ended.add_text("error = ?", *query.error);
  }
  std::string text = ended_rows() + ended.text();
  if (with_open) text += " UNION ALL " + open_rows() + open->text();
  text += query.after ? " ORDER BY id LIMIT ?" : " ORDER BY id DESC LIMIT ?";
  auto rows = fetch(impl_.sql, text, ended, with_open ? &*open : nullptr, query.limit);
  if (!rows) return rows;
  if (auto named = name_all(impl_, *rows); !named) return tl::unexpected(named.error());
  return rows;
}

Result<RequestRow> Reports::request(const RequestId& id) {
  Where where;
  where.add_blob("id = ?", id.bytes);
  const std::string text = ended_rows() + where.text() + " UNION ALL " + open_rows() + where.text() + " LIMIT ?";
  auto rows = fetch(impl_.sql, text, where, &where, 1);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) {
    return base::fail(ErrorCode::not_found, "no request with the id " + id.to_string(),
                      "what a wrong key, path or method or a rate refused leaves no row, nor do refusals of a token "
                      "beyond the first ten "
                      "of a minute with the same code; rows older than [usage] retention are gone; look in the log");
  }
  if (auto named = name_all(impl_, *rows); !named) return tl::unexpected(named.error());
  return std::move(rows->front());
}

}  // namespace cr::ledger
