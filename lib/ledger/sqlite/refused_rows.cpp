// SPDX-License-Identifier: MIT
#include "ledger/sqlite/refused_rows.h"

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::chrono::minutes k_pace{1};

UsageEntry entry_of(const RefusedCounts::Sum& sum) {
  UsageEntry entry;
  entry.token = sum.token;
  entry.account = sum.account;
  entry.started_at = time_of_minute(sum.minute);
  entry.requests = entry.errors = sum.without_row;
  return entry;
}

}  // namespace

Result<void> RefusedRows::write(std::size_t most) {
  if (written_.empty()) written_ = counts_.take(most, base::wall_now());
  if (written_.empty()) return {};
  std::vector<UsageEntry> entries;
  for (const auto& sum : written_) {
    if (auto done = write_row(sum); !done) return done;
    // What is nobody's is in no usage, whose sums of all tokens are those of each.
    if (sum.without_row > 0 && sum.token != k_no_token) entries.push_back(entry_of(sum));
  }
  return entries.empty() ? Result<void>() : sums_.write_at_once(entries);
}

Result<void> RefusedRows::write_row(const RefusedCounts::Sum& sum) {
  return sql_.run(
      "INSERT INTO refused (minute, token_id, code, requests, without_row) VALUES (?1, ?2, ?3, ?4, ?5)"
      " ON CONFLICT DO UPDATE SET requests = requests + ?4, without_row = without_row + ?5",
      sum.minute, sum.token, sum.code, sum.requests, sum.without_row);
}

// What is left is written with the next commits.
void RefusedRows::committed(base::SteadyTime now) {
  if (written_.empty()) return;
  written_.clear();
  if (!counts_.any()) due_at_ = now + k_pace;
}

}  // namespace cr::ledger
