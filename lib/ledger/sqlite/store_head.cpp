// SPDX-License-Identifier: MIT
#include "ledger/sqlite/store_head.h"

#include <algorithm>
#include <vector>

#include "base/id.h"
#include "base/text.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/settings_sum.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr const char* k_way_out =
    "put the file and its -wal back, or restore the newest backup; to go on without what is missing: crd --accept-loss";

Result<std::string> hex_of(SqlSession& sql, std::string_view text, std::int64_t number) {
  std::string hex;
  const auto take = [&](const Row& row) -> Result<void> {
    hex = to_hex(row.column_blob(0));
    return {};
  };
  auto read = number < 0 ? sql.each_row(text, take) : sql.each_row(text, take, number);
  if (!read) return tl::unexpected(read.error());
  return hex;
}

Result<std::string> store_id(SqlSession& sql) {
  return hex_of(sql, "SELECT value FROM meta WHERE key = 'store_id'", -1);
}

Result<std::string> chain_of(SqlSession& sql, std::int64_t seq) {
  return hex_of(sql, "SELECT chain FROM audit WHERE seq = ?1", seq);
}

Result<std::int64_t> number(SqlSession& sql, std::string_view text) {
  const auto found = sql.find_int(text);
  if (!found) return tl::unexpected(found.error());
  return found->value_or(0);
}

// As the store is now.
Result<Head> read_head(SqlSession& sql) {
  Head head;
  auto id = store_id(sql);
  if (!id) return tl::unexpected(id.error());
  head.store_id = std::move(*id);
  std::int64_t pruned = 0, overrun = 0;
  const std::pair<std::int64_t*, std::string_view> numbers[] = {
      {&head.seq, "SELECT value FROM meta WHERE key = 'head_seq'"},
      {&head.tokens, "SELECT max(id) FROM token"},
      {&head.audit_seq, "SELECT max(seq) FROM audit"},
      {&pruned, "SELECT value FROM meta WHERE key = 'pruned_before'"},
      {&overrun, "SELECT value FROM meta WHERE key = 'overrun'"}};
  for (const auto& [value, text] : numbers) {
    const auto found = number(sql, text);
    if (!found) return tl::unexpected(found.error());
    *value = *found;
  }
  auto chain = chain_of(sql, head.audit_seq);
  if (!chain) return tl::unexpected(chain.error());
  head.audit_chain = std::move(*chain);
  head.pruned_before = base::from_unix_ms(pruned);
  head.overrun = base::Credits::from_nano(overrun);
  auto newest = hex_of(sql, "SELECT max(id) FROM request", -1);
  if (!newest) return tl::unexpected(newest.error());
  head.newest = std::move(*newest);
  const auto settings = seal_text_of(sql);
  if (!settings) return tl::unexpected(settings.error());
  head.settings = code_of(settings->value_or(""));
  return head;
}

std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string missing(const Head& store, const Head& head) {
  std::string text;
  if (head.tokens > store.tokens) text = counted(head.tokens - store.tokens, "token", "tokens");
  if (head.audit_seq > store.audit_seq) {
    text += (text.empty() ? "" : ", ") +
            counted(head.audit_seq - store.audit_seq, "entry of the audit", "entries of the audit");
  }
  return text.empty() ? "what it is cannot be told" : text;
}

tl::unexpected<base::Error> refused(const std::string& message) {
  return base::fail(ErrorCode::corrupt, message, k_way_out);
}

}  // namespace

Result<Head> raise_head(SqlSession& sql, base::Time now, std::int64_t above) {
  const auto seq = number(sql, "SELECT value FROM meta WHERE key = 'head_seq'");
  if (!seq) return tl::unexpected(seq.error());
  if (*seq == 0) {
    const auto random = base::RequestId::make(now);
    auto done = sql.run("INSERT INTO meta (key, value) VALUES ('store_id', ?1) ON CONFLICT (key) DO NOTHING",
                        Blob{random.bytes});
    if (!done) return tl::unexpected(done.error());
  }
  auto done = sql.run(
      "INSERT INTO meta (key, value) VALUES ('head_seq', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      std::max(*seq, above) + 1);
  if (!done) return tl::unexpected(done.error());
  auto head = read_head(sql);
  if (head) head->at = now;
  return head;
}

Result<void> forget_head(SqlSession& sql) {
  return sql.run("DELETE FROM meta WHERE key = 'head_seq'");
}

namespace {

// What becomes no less, and the settings' sum, which changes with the head's number alone.
Result<void> compare_rest(const Head& now, const Compared& compared, const Head& head) {
  std::string what;
  if (now.newest < head.newest && !is_pruned(head.newest, now.pruned_before)) what = "its newest requests are gone";
  if (now.overrun < head.overrun) what = "its overrun was lowered";
  if (now.pruned_before < head.pruned_before) what = "the time before which its requests were pruned was changed";
  if (now.seq == head.seq && compared.settings != head.settings) what = "the sum of its settings was changed";
  if (what.empty()) return {};
  return refused("the store " + compared.store + " is not what its head " + compared.path + " saw: " + what);
}

}  // namespace

Result<void> compare_with_head(SqlSession& sql, const Compared& compared, const std::optional<Head>& head) {
  const auto& [store, path, settings] = compared;
  const auto now = read_head(sql);
  if (!now) return tl::unexpected(now.error());
  if (!head) {
    if (now->seq == 0) return {};
    return refused("the head " + path + " is missing: whether the store " + store + " is whole cannot be told");
  }
  if (!now->store_id.empty() && now->store_id != head->store_id) {
    return refused("the head " + path + " is of another store than " + store);
  }
  if (now->seq < head->seq) {
    return refused("the store " + store + " is behind its head " + path + ": it ends with commit " +
                   std::to_string(now->seq) + ", the head saw " + std::to_string(head->seq) + " of " +
                   base::format_rfc3339(head->at) + " (missing: " + missing(*now, *head) + ')');
  }
  const auto chain = chain_of(sql, head->audit_seq);
  if (!chain) return tl::unexpected(chain.error());
  if (*chain == head->audit_chain) return compare_rest(*now, compared, *head);
  return refused("the store " + store + " is not what its head " + path + " saw: entry " +
                 std::to_string(head->audit_seq) + " of the audit was taken out or changed");
}

base::Error store_is_missing(const std::string& store, const std::string& path, const Head& head) {
  return {ErrorCode::corrupt,
          "the store " + store + " is missing, but its head " + path + " saw " + std::to_string(head.seq) +
              " commits, the last of " + base::format_rfc3339(head.at),
          k_way_out};
}

base::Error with_way_out(base::Error error) {
  if (error.hint.empty()) error.hint = k_way_out;
  return error;
}

}  // namespace cr::ledger
