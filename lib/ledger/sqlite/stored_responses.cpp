// SPDX-License-Identifier: MIT
#include "ledger/sqlite/stored_responses.h"

namespace cr::ledger {

using base::Result;

Result<void> StoredResponses::keep(const Settlement& settlement) {
  const StoredResponse& stored = settlement.stored;
  return sql_.run(
      "INSERT INTO response (token_id, id, channel_id, key_hint, model, created_at, tokens)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
      " ON CONFLICT (token_id, id) DO UPDATE SET channel_id = excluded.channel_id, key_hint = excluded.key_hint,"
      " model = excluded.model, created_at = excluded.created_at, tokens = excluded.tokens",
      settlement.facts.token, std::string_view(stored.id), stored.channel, std::string_view(stored.key_hint),
      std::string_view(stored.model), settlement.facts.started_at, stored.tokens);
}

Result<void> StoredResponses::find(StoredResponseQuery& query) {
  query.found = false;
  StoredResponse& response = query.response;
  return sql_.each_row(
      "SELECT channel_id, key_hint, model, tokens FROM response WHERE token_id = ?1 AND id = ?2",
      [&](const Row& row) -> Result<void> {
        response.channel = {row.column_int(0)};
        response.key_hint = row.column_text(1);
        response.model = row.column_text(2);
        response.tokens = row.column_int(3);
        query.found = true;
        return {};
      },
      query.token, std::string_view(response.id));
}

Result<std::int64_t> StoredResponses::prune(base::Time before, std::int64_t rows) {
  auto done = sql_.run(
      "DELETE FROM response WHERE (token_id, id) IN"
      " (SELECT token_id, id FROM response WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
      before, rows);
  if (!done) return tl::unexpected(done.error());
  return sql_.changes();
}

}  // namespace cr::ledger
