// SPDX-License-Identifier: MIT
#include "ledger/core/refused_counts.h"

#include <chrono>
#include <functional>

namespace cr::ledger {

std::int64_t minute_of(Time time) {
  return std::chrono::floor<std::chrono::minutes>(time.time_since_epoch()).count();
}

std::size_t RefusedCounts::KeyHash::operator()(const Key& key) const noexcept {
  std::size_t hash = std::hash<std::string_view>()(key.code);
  for (const auto part : {key.token, key.minute}) hash = hash * 1'000'003 + std::hash<std::int64_t>()(part);
  return hash;
}

bool RefusedCounts::count(const RefusedRequest& request, Row row) {
  bool has_row = false;
  if (add(request, k_entries_max, row, has_row)) return has_row;
  RefusedRequest nobodys = request;
  nobodys.token = k_no_token;
  nobodys.account = {};
  add(nobodys, k_entries_max + k_nobodys_most, Row::none, has_row);
  return false;
}

bool RefusedCounts::add(const RefusedRequest& request, std::size_t entries_max, Row row, bool& has_row) {
  Shard& shard = shard_of(request.token);
  const Key key{request.token.value, minute_of(request.at), request.code};
  const base::MutexLock lock(shard.mutex);
  if (key.minute > shard.swept) forget_past(shard, key.minute);
  auto place = shard.entries.find(key);
  if (place == shard.entries.end()) {
    if (entries_.load(std::memory_order_relaxed) >= entries_max) return false;
    entries_.fetch_add(1, std::memory_order_relaxed);
    place = shard.entries.emplace(key, Entry{.account = request.account}).first;
  }
  Entry& entry = place->second;
  if (entry.requests == 0) {
    shard.untaken.push_back(key);
    untaken_.fetch_add(1, std::memory_order_relaxed);
  }
  ++entry.requests;
  has_row = row == Row::wanted && entry.rows < k_rows_a_minute;
  if (has_row) {
    ++entry.rows;
  } else {
    ++entry.without_row;
  }
  return true;
}

std::vector<RefusedCounts::Sum> RefusedCounts::take(std::size_t most, Time now) {
  std::vector<Sum> sums;
  const auto minute = minute_of(now);
  for (Shard& shard : shards_) {
    const base::MutexLock lock(shard.mutex);
    while (!shard.untaken.empty() && sums.size() < most) {
      const Key key = shard.untaken.back();
      shard.untaken.pop_back();
      untaken_.fetch_sub(1, std::memory_order_relaxed);
      Entry& entry = shard.entries.at(key);
      sums.push_back({TokenId{key.token}, entry.account, key.code, key.minute, entry.requests, entry.without_row});
      entry.requests = entry.without_row = 0;
    }
    forget_past(shard, minute);
  }
  return sums;
}

// Once a minute, for it looks at all of them. A clock that was set back keeps none for longer than it takes to come to
// where it was, or for as many as there may be.
void RefusedCounts::forget_past(Shard& shard, std::int64_t minute) {
  if (shard.swept == minute) return;
  shard.swept = minute;
  const auto gone = std::erase_if(shard.entries, [&](const auto& one) {
    const auto& [key, entry] = one;
    const bool over = key.minute + k_minutes_remembered <= minute || key.minute > minute + k_minutes_remembered;
    return over && entry.requests == 0;
  });
  entries_.fetch_sub(gone, std::memory_order_relaxed);
}

}  // namespace cr::ledger
