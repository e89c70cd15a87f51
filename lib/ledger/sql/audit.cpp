// SPDX-License-Identifier: MIT
#include "ledger/sql/audit.h"

#include "ledger/sql/store_state.h"

namespace cr::ledger {

using base::ErrorCode;

// Keyed: who has the file but not the master key cannot make a chain that fits. The parts are led by their lengths, so
// that none can pass for another; the NUL keeps a chain apart from every key's digest.
token::Digest audit_chain(const token::Vault& vault, std::span<const std::uint8_t> previous,
                          const Reports::AuditRow& row) {
  std::string text("audit\0", 6);
  const auto add = [&](std::string_view part) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  };
  add({reinterpret_cast<const char*>(previous.data()), previous.size()});
  for (const std::int64_t number : {row.seq, base::to_unix_ms(row.at), row.pid, row.uid, row.gid})
    add(std::to_string(number));
  for (const std::string* part : {&row.action, &row.object, &row.detail, &row.reason}) add(*part);
  return vault.digest(text);
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += k_digits[byte >> 4];
    text += k_digits[byte & 15];
  }
  return text;
}

Result<void> Store::Impl::audit(const Actor& actor, std::string_view action, std::string_view object,
                                std::string_view detail) {
  Reports::AuditRow row;
  std::vector<std::uint8_t> previous;
  // After the last number given: one whose row was taken off the end is not given again, which would hide the gap.
  auto last = sql.each_row(
      "SELECT meta.value, chain FROM meta LEFT JOIN audit ON seq = (SELECT max(seq) FROM audit) WHERE key = "
      "'audit_seq'",
      [&](const Row& found) -> Result<void> {
        row.seq = found.column_int(0);
        const auto chain = found.column_blob(1);
        previous.assign(chain.begin(), chain.end());
        return {};
      });
  if (!last) return last;
  if (auto checked = check_note(actor.reason); !checked) {
    return base::fail(ErrorCode::invalid, "reason: over 4096 bytes or not UTF-8");
  }
  ++row.seq;
  row.at = clock.now();
  row.pid = actor.pid;
  row.uid = actor.uid;
  row.gid = actor.gid;
  row.action = action;
  row.object = object;
  row.detail = detail;
  row.reason = actor.reason;
  const token::Digest chain = audit_chain(vault, previous, row);
  auto done = sql.run(
      "INSERT INTO audit (seq, at, pid, uid, gid, action, object, detail, reason, chain)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      row.seq, row.at, row.pid, row.uid, row.gid, row.action, row.object, row.detail, row.reason, Blob{chain});
  if (!done) return done;
  // Apart from the rows, so that those taken off the chain's end are missed.
  return sql.run("UPDATE meta SET value = ?1 WHERE key = 'audit_seq' AND value < ?1", row.seq);
}

}  // namespace cr::ledger
