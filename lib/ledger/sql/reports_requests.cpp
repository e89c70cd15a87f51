// SPDX-License-Identifier: MIT
#include <algorithm>

#include "ledger/sql/reports_state.h"
#include "ledger/sql/rows.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;

constexpr std::string_view k_ended =
    "SELECT id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint, source_ip, "
    "channel_id,"
    " upstream_model, ending, flags, status, error, posted, overrun, input_tokens, cached_tokens, cache_write_tokens,"
    " output_tokens, duration_ms, first_byte_ms, refunded, 0 AS open, images, characters, audio_ms, search_units, "
    "upstream_request_id FROM "
    "request";
constexpr std::string_view k_open =
    "SELECT id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint, source_ip, 0, "
    "NULL, 0, 0,"
    " 0, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 1, NULL, NULL, NULL, NULL, NULL FROM reservation";

RequestFacts facts_of(const Row& row) {
  RequestFacts facts;
  const auto id = row.column_blob(0);
  std::copy_n(id.begin(), std::min(id.size(), facts.id.bytes.size()), facts.id.bytes.begin());
  facts.token = {row.column_int(1)};
  facts.account = {row.column_int(2)};
  facts.key = {row.column_int(3)};
  facts.started_at = base::from_unix_ms(row.column_int(4));
  facts.stream = row.column_int(6) != 0;
  facts.model = row.column_text(7);
  facts.group = row.column_text(8);
  facts.endpoint = row.column_text(9);
  facts.source_ip = row.column_text(10);
  return facts;
}

RequestRow row_of(const Row& row) {
  RequestRow request;
  Settlement& settlement = request.settlement;
  settlement.facts = facts_of(row);
  settlement.reserved = Credits::from_nano(row.column_int(5));
  settlement.channel = {row.column_int(11)};
  settlement.upstream_model = row.column_text(12);
  settlement.ending = static_cast<Ending>(row.column_int(13));
  settlement.flags = static_cast<std::uint32_t>(row.column_int(14));
  settlement.status = static_cast<int>(row.column_int(15));
  settlement.error = row.column_text(16);
  request.posted = Credits::from_nano(row.column_int(17));
  request.overrun = Credits::from_nano(row.column_int(18));
  settlement.cost = request.posted + request.overrun;
  settlement.input_tokens = row.column_int(19);
  settlement.cached_tokens = row.column_int(20);
  settlement.cache_write_tokens = row.column_int(21);
  settlement.output_tokens = row.column_int(22);
  settlement.duration_ms = row.column_int(23);
  settlement.first_byte_ms = row.column_optional_int(24);
  request.refunded = Credits::from_nano(row.column_int(25));
  request.open = row.column_int(26) != 0;
  const auto units = [&row](int column) { return row.column_optional_int(column).value_or(0); };
  settlement.units = {units(27), units(28), units(29), units(30)};
  settlement.upstream_request_id = row.column_text(31);
  return request;
}

Result<void> name_all(Reports::Impl& impl, std::vector<RequestRow>& rows) {
  for (RequestRow& row : rows) {
    const RequestFacts& facts = row.settlement.facts;
    auto token = impl.name_of("token", facts.token.value);
    auto account = impl.name_of("account", facts.account.value);
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
  std::string text = std::string(k_ended) + ended.text();
  if (with_open) text += " UNION ALL " + std::string(k_open) + open->text();
  text += query.after ? " ORDER BY id LIMIT ?" : " ORDER BY id DESC LIMIT ?";
  auto rows = fetch(impl_.sql, text, ended, with_open ? &*open : nullptr, query.limit);
  if (!rows) return rows;
  if (auto named = name_all(impl_, *rows); !named) return tl::unexpected(named.error());
  return rows;
}

Result<RequestRow> Reports::request(const RequestId& id) {
  Where where;
  where.add_blob("id = ?", id.bytes);
  const std::string text =
      std::string(k_ended) + where.text() + " UNION ALL " + std::string(k_open) + where.text() + " LIMIT ?";
  auto rows = fetch(impl_.sql, text, where, &where, 1);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) {
    return base::fail(ErrorCode::not_found, "no request with the id " + id.to_string(),
                      "what a wrong key or a rate refused leaves no row, and rows older than [usage] retention are "
                      "gone; look in the log");
  }
  if (auto named = name_all(impl_, *rows); !named) return tl::unexpected(named.error());
  return std::move(rows->front());
}

}  // namespace cr::ledger
