// SPDX-License-Identifier: MIT
// RefusedCounts: requests that were refused before anything was reserved for them, by token, code and minute, until
// the thread that commits has written them. Only the first of a minute have rows of their own: whoever sends what is
// refused again and again must not fill the disk, nor the backlog of settlements that all share. In bounded memory;
// what a crash loses of it are counts of the last minute. Any thread; take() is the committing thread's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "ledger/core/records.h"

namespace cr::ledger {

// Nobody's: an unknown key's, or one of more tokens than are counted apart.
inline constexpr TokenId k_no_token{0};

// Minutes since 1970.
std::int64_t minute_of(Time time);
inline Time time_of_minute(std::int64_t minute) {
  return base::Time(std::chrono::minutes(minute));
}

struct RefusedRequest {
  TokenId token = k_no_token;
  AccountId account{};
  std::string_view code;  // error.code, of static storage
  Time at;
};

class RefusedCounts {
 public:
  static constexpr std::int64_t k_rows_a_minute = 10;   // of a token and code
  static constexpr std::size_t k_entries_max = 65'536;  // tokens, codes and minutes counted apart
  static constexpr std::size_t k_nobodys_most = 4'096;  // beyond them, as nobody's: codes and minutes
  static constexpr std::size_t k_crowd = 4'096;
  static constexpr std::int64_t k_minutes_remembered = 2;  // a slow request is of the minute it began in

  // Counts one. True: it is among the first of its minute, and its row is to be written as `row` wants it.
  enum class Row { wanted, none };
  bool count(const RefusedRequest& request, Row row);

  struct Sum {
    TokenId token;
    AccountId account;
    std::string_view code;
    std::int64_t minute = 0;
    std::int64_t requests = 0, without_row = 0;  // the second is part of the first
  };
  // What is not taken yet, of `most` tokens, codes and minutes at most; forgets minutes that are over at `now`.
  std::vector<Sum> take(std::size_t most, Time now);
  bool any() const { return untaken_.load(std::memory_order_relaxed) > 0; }
  // So many are untaken that they are to be written before their time: a report waits for all of them.
  bool crowded() const { return untaken_.load(std::memory_order_relaxed) > k_crowd; }
  std::size_t entries() const { return entries_.load(std::memory_order_relaxed); }

 private:
  struct Key {
    std::int64_t token = 0, minute = 0;
    std::string_view code;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    AccountId account;
    std::int64_t rows = 0;                       // given away
    std::int64_t requests = 0, without_row = 0;  // not taken yet
  };
  struct Shard {
    base::Mutex mutex;
    std::unordered_map<Key, Entry, KeyHash> entries CR_GUARDED_BY(mutex);
    std::vector<Key> untaken CR_GUARDED_BY(mutex);  // their entries have something to take
    std::int64_t swept CR_GUARDED_BY(mutex) = 0;    // the minute in which minutes that were over were forgotten
  };
  static constexpr std::size_t k_shards = 16;

  Shard& shard_of(TokenId token) { return shards_[static_cast<std::size_t>(token.value) % k_shards]; }
  // False: there are too many others.
  bool add(const RefusedRequest& request, std::size_t entries_max, Row row, bool& has_row);
  void forget_past(Shard& shard, std::int64_t minute) CR_REQUIRES(shard.mutex);

  std::array<Shard, k_shards> shards_;
  std::atomic<std::size_t> entries_{0}, untaken_{0};
};

}  // namespace cr::ledger
