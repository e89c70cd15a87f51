// SPDX-License-Identifier: MIT
#include "ledger/sqlite/reservation_rows.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/boot.h"
#include "base/byte_search.h"

namespace cr::ledger {
namespace {

using base::Result;
using sqlite::Statement;

void append(std::string& out, std::int64_t number) {
  char digits[24];
  const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

// A JSON string. What comes here is UTF-8 already: the request's scan saw to it.
void append_text(std::string& out, std::string_view text) {
  constexpr std::string_view k_hex = "0123456789abcdef";
  out.push_back('"');
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end; ++at) {
    const char* const stop = base::find_byte<base::StringStop>(at, end);
    out.append(at, static_cast<std::size_t>(stop - at));
    if (stop == end) break;
    at = stop;
    const auto byte = static_cast<unsigned char>(*at);
    if (byte == 0) {
      out.append("\\ufffd");  // SQLite's JSON would end the text here
    } else if (byte < 0x20) {
      out.append("\\u00").append(1, k_hex[byte >> 4]).append(1, k_hex[byte & 15]);
    } else {
      out.append(1, '\\').append(1, *at);
    }
  }
  out.push_back('"');
}

}  // namespace

Result<void> ReservationRows::prepare(sqlite::Database& db) {
  return Statement::prepare_all(db, {{&insert_, "INSERT INTO reservation_batch (seq, ids, facts) VALUES (?1, ?2, ?3)"},
                                     {&delete_, "DELETE FROM reservation_batch WHERE seq = ?1"},
                                     {&note_lost_,
                                      "INSERT INTO lost_attempt (id, cost) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE "
                                      "SET cost = excluded.cost"},
                                     {&forget_lost_, "DELETE FROM lost_attempt WHERE id = ?1"}});
}

Result<void> ReservationRows::note_lost(const RequestId& id, Credits lost) {
  return note_lost_.bind_borrowed(1, id.bytes).bind(2, lost.nano()).run();
}

Result<void> ReservationRows::forget_lost(const RequestId& id) {
  return forget_lost_.bind_borrowed(1, id.bytes).run();
}

std::int64_t ReservationRows::add(const ReserveOp& op, TokenId token, AccountId account) {
  const RequestFacts& facts = op.facts;
  if (used_ == 0 || rows_[used_ - 1].count == k_row_max) {
    if (used_ == rows_.size()) rows_.emplace_back();
    ++used_;
  }
  Row& row = rows_[used_ - 1];
  ++row.count;
  row.ids.append(reinterpret_cast<const char*>(facts.id.bytes.data()), facts.id.bytes.size());
  row.facts.append(row.facts.empty() ? "[[" : ",[");
  for (const std::int64_t number : {token.value, account.value, facts.key.value, base::to_unix_ms(facts.started_at),
                                    op.amount.nano(), std::int64_t{facts.stream}}) {
    append(row.facts, number);
    row.facts.push_back(',');
  }
  append_text(row.facts, facts.model);
  for (const std::string_view text :
       {std::string_view(facts.group), std::string_view(facts.endpoint), std::string_view(facts.source_ip)}) {
    row.facts.push_back(',');
    append_text(row.facts, text);
  }
  if (op.unseen) {
    for (const std::int64_t number : {op.unseen->at_once.nano(), op.unseen->each_second.nano(), base::boot_ms()}) {
      row.facts.push_back(',');
      append(row.facts, number);
    }
  }
  row.facts.push_back(']');
  const std::int64_t seq = first_ + static_cast<std::int64_t>(used_) - 1;
  Batch& batch = batches_[seq];
  ++batch.open;
  batch.oldest = std::min(batch.oldest, facts.id.time());
  return seq;
}

Result<void> ReservationRows::write() {
  for (std::size_t at = 0; at < used_; ++at) {
    Row& row = rows_[at];
    row.facts.push_back(']');
    const std::span<const std::uint8_t> ids(reinterpret_cast<const std::uint8_t*>(row.ids.data()), row.ids.size());
    insert_.bind(1, first_ + static_cast<std::int64_t>(at)).bind_borrowed(2, ids);
    if (auto done = insert_.bind_borrowed(3, std::string_view(row.facts)).run(); !done) return done;
  }
  return {};
}

Result<void> ReservationRows::close(std::int64_t batch) {
  const auto found = batches_.find(batch);
  if (found == batches_.end()) return base::fail(base::ErrorCode::internal, "close a reservation: it has no batch");
  closed_.push_back(batch);
  if (--found->second.open > 0) return {};
  return delete_.bind(1, batch).run();
}

Time ReservationRows::oldest() const {
  Time oldest = Time::max();
  for (const auto& [seq, batch] : batches_) oldest = std::min(oldest, batch.oldest);
  return oldest;
}

void ReservationRows::clear_rows() {
  for (std::size_t at = 0; at < used_; ++at) {
    rows_[at].count = 0;
    rows_[at].ids.clear();
    rows_[at].facts.clear();
  }
  used_ = 0;
}

void ReservationRows::committed() {
  first_ += static_cast<std::int64_t>(used_);
  clear_rows();
  for (const std::int64_t batch : closed_) {
    const auto found = batches_.find(batch);
    if (found != batches_.end() && found->second.open == 0) batches_.erase(found);
  }
  closed_.clear();
}

void ReservationRows::rolled_back() {
  for (std::size_t at = 0; at < used_; ++at) batches_.erase(first_ + static_cast<std::int64_t>(at));
  clear_rows();
  for (const std::int64_t batch : closed_) ++batches_[batch].open;
  closed_.clear();
}

}  // namespace cr::ledger
