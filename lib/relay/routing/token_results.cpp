// SPDX-License-Identifier: MIT
#include "relay/routing/token_results.h"

#include <algorithm>

namespace cr::relay::routing {

// The token's own entry, or in its set the one that was used least recently.
TokenResults::Entry& TokenResults::at(const Asker& asker) {
  if (entries_.empty()) entries_.resize(k_sets * k_places);
  const auto hash = static_cast<std::uint64_t>(asker.token.value) * 0x9E3779B97F4A7C15ULL;  // Fibonacci hashing
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>((hash >> 58) * k_places);
  static_assert(k_sets == 64, "six bits of the hash");
  const auto end = first + static_cast<std::ptrdiff_t>(k_places);
  const auto found = std::find_if(first, end, [&](const Entry& entry) { return entry.token == asker.token; });
  if (found != end) return *found;
  const auto used = [](const Entry& entry) { return std::max(entry.good_at, entry.failed_at); };
  const auto oldest = std::min_element(first, end, [&](const Entry& a, const Entry& b) { return used(a) < used(b); });
  *oldest = Entry{};
  oldest->token = asker.token;
  return *oldest;
}

void TokenResults::note_good(const Asker& asker, base::SteadyTime now) {
  auto& entry = at(asker);
  entry.account = asker.account;
  entry.good_at = now;
  entry.failures = 0;
  last_good_ = now;
}

void TokenResults::note_failure(const Asker& asker, base::SteadyTime now) {
  auto& entry = at(asker);
  entry.account = asker.account;
  entry.failed_at = now;
  ++entry.failures;
}

bool TokenResults::agree(bool only_account, base::SteadyTime now) const {
  const auto begin = now - k_window;
  std::size_t seen = 0, good = 0, turned = 0, failing = 0;
  base::AccountId account{};
  bool two_accounts = false;
  for (const auto& entry : entries_) {
    if (std::max(entry.good_at, entry.failed_at) < begin) continue;
    ++seen;
    const bool had_good = entry.good_at >= begin;
    if (had_good) ++good;
    if (entry.failed_at < begin || entry.failed_at <= last_good_) continue;
    if (had_good && entry.failures < k_turned) continue;
    if (had_good) ++turned;
    if (failing++ > 0 && entry.account != account) two_accounts = true;
    account = entry.account;
  }
  const bool enough = two_accounts || (only_account && failing >= 2 && own_good_ < begin);
  return enough && 2 * failing > seen && (good == 0 || 2 * turned > good);
}

}  // namespace cr::relay::routing
