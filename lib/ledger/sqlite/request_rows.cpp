// SPDX-License-Identifier: MIT
#include "ledger/sqlite/request_rows.h"

#include <string_view>

namespace cr::ledger {
namespace {

using base::Result;
using base::to_unix_ms;
using sqlite::Statement;

// A second ending of the same request changes nothing, and changes() tells it apart.
constexpr std::string_view k_insert =
    "INSERT INTO request (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
    " source_ip, channel_id, upstream_model, ending, flags, status, error, posted, overrun, input_tokens, "
    "cached_tokens,"
    " cache_write_tokens, output_tokens, duration_ms, first_byte_ms, images, characters, audio_ms, search_units,"
    " upstream_request_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19,"
    " ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) ON CONFLICT (id) DO NOTHING";

void bind_facts(Statement& statement, const RequestFacts& facts, const RequestRows::Booked& booked) {
  statement.bind_borrowed(1, facts.id.bytes)
      .bind(2, booked.token.value)
      .bind(3, booked.account.value)
      .bind(4, facts.key.value)
      .bind(5, to_unix_ms(booked.reserved_at))
      .bind(6, booked.reserved.nano())
      .bind(7, std::int64_t{facts.stream})
      .bind_borrowed(8, facts.model)
      .bind_borrowed(9, facts.group)
      .bind_borrowed(10, facts.endpoint)
      .bind_borrowed(11, facts.source_ip);
}

// Columns that are not bound are null: the usual row has none of these.
void bind_units(Statement& insert, const UnitCounts& units) {
  if (units == UnitCounts{}) return;
  if (units.images != 0) insert.bind(26, units.images);
  if (units.characters != 0) insert.bind(27, units.characters);
  if (units.audio_ms != 0) insert.bind(28, units.audio_ms);
  if (units.search_units != 0) insert.bind(29, units.search_units);
}

}  // namespace

Result<void> RequestRows::prepare(sqlite::Database& db) {
  db_ = &db;
  return Statement::prepare_all(db, {{&insert_, k_insert}, {&find_, "SELECT 1 FROM request WHERE id = ?1"}});
}

Result<bool> RequestRows::insert(const Settlement& settlement, const Booked& booked) {
  bind_facts(insert_, settlement.facts, booked);
  insert_.bind(12, settlement.channel.value);
  if (!settlement.upstream_model.empty()) insert_.bind_borrowed(13, settlement.upstream_model);
  insert_.bind(14, static_cast<std::int64_t>(settlement.ending))
      .bind(15, std::int64_t{settlement.flags})
      .bind(16, std::int64_t{settlement.status});
  if (!settlement.error.empty()) insert_.bind_borrowed(17, settlement.error);
  insert_.bind(18, booked.posting.posted.nano())
      .bind(19, booked.posting.overrun.nano())
      .bind(20, settlement.input_tokens)
      .bind(21, settlement.cached_tokens)
      .bind(22, settlement.cache_write_tokens)
      .bind(23, settlement.output_tokens)
      .bind(24, settlement.duration_ms);
  if (settlement.first_byte_ms) insert_.bind(25, *settlement.first_byte_ms);
  bind_units(insert_, settlement.units);
  if (!settlement.upstream_request_id.empty()) insert_.bind_borrowed(30, settlement.upstream_request_id);
  if (auto done = insert_.run(); !done) return tl::unexpected(done.error());
  return db_->changes() == 1;
}

Result<bool> RequestRows::has(const RequestId& id) {
  auto there = find_.bind_borrowed(1, id.bytes).step();
  find_.reset();
  return there;
}

}  // namespace cr::ledger
