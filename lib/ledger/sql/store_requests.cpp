// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;

struct Posted {
  Holders::Refund refund;
  Credits posted, refunded;
};

Result<std::optional<Posted>> find_posted(SqlSession& sql, const RequestId& id) {
  std::optional<Posted> found;
  auto read = sql.each_row(
      "SELECT token_id, account_id, channel_id, group_name, model, started_at, posted, refunded FROM request WHERE id "
      "= ?1",
      [&](const Row& row) -> Result<void> {
        Posted& posted = found.emplace();
        UsageEntry& entry = posted.refund.entry;
        posted.refund.id = id;
        posted.refund.token = entry.token = {row.column_int(0)};
        posted.refund.account = entry.account = {row.column_int(1)};
        entry.channel = {row.column_int(2)};
        entry.group = row.column_text(3);
        entry.model = row.column_text(4);
        entry.started_at = base::from_unix_ms(row.column_int(5));
        entry.requests = 0;
        posted.posted = Credits::from_nano(row.column_int(6));
        posted.refunded = Credits::from_nano(row.column_int(7));
        return {};
      },
      Blob{id.bytes});
  if (!read) return tl::unexpected(read.error());
  return found;
}

}  // namespace

Result<Credits> Store::refund_request(const RequestId& id, std::optional<Credits> amount, const Actor& actor) {
  auto found = find_posted(impl_.sql, id);
  if (!found) return tl::unexpected(found.error());
  if (!*found) {
    return fail(ErrorCode::not_found, "no ended request " + id.to_string(),
                "a running one cannot be refunded, and rows older than [usage] retention are gone");
  }
  Posted& posted = **found;
  const Credits left = posted.posted - posted.refunded;
  const Credits wanted = amount.value_or(left);
  if (wanted <= Credits()) {
    return fail(ErrorCode::invalid, amount ? "refund: the amount must be more than 0"
                                           : "refund: nothing is left of what " + id.to_string() + " cost");
  }
  if (wanted > left) {
    return fail(ErrorCode::invalid, "refund: " + wanted.to_display() + " is more than the " + left.to_display() +
                                        " that are left of what " + id.to_string() + " cost");
  }
  auto done = impl_.sql.run("UPDATE request SET refunded = refunded + ?2 WHERE id = ?1", Blob{id.bytes}, wanted);
  if (!done) return tl::unexpected(done.error());
  posted.refund.amount = wanted;
  posted.refund.entry.posted_nano = -wanted.nano();
  done = impl_.holders.refund(posted.refund);
  if (done)
    done = impl_.audit(actor, "request.refund", "request " + id.to_string(),
                       audit_detail(TextMap{{"amount", wanted.to_decimal()}}));
  if (!done) return tl::unexpected(done.error());
  return wanted;
}

}  // namespace cr::ledger
