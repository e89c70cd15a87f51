// SPDX-License-Identifier: MIT
#include "server/admin/replay.h"

#include <algorithm>

namespace cr::server::admin {

using base::ErrorCode;
using base::fail;

void AdminReplay::forget_old(base::SteadyTime now) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.done && now - entry.since >= k_kept; });
  for (auto& entry : entries_) {
    if (entry.done && now - entry.since >= k_answer_kept) entry.answer.body.reset();
  }
  for (auto at = entries_.begin(); at != entries_.end() && entries_.size() >= k_entries_max;) {
    at = at->done ? entries_.erase(at) : std::next(at);
  }
}

void AdminReplay::sweep(base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  forget_old(now);
}

std::list<AdminReplay::Entry>::iterator AdminReplay::find(const std::string& scope, const std::string& key) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const Entry& entry) { return entry.key == key && entry.scope == scope; });
}

base::Result<std::optional<StoredAnswer>> AdminReplay::begin(const std::string& scope, const std::string& key,
                                                             const token::Digest& digest, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  forget_old(now);
  const auto found = find(scope, key);
  if (found == entries_.end()) {
    entries_.push_back({scope, key, digest, now, false, {}});
    return std::optional<StoredAnswer>();
  }
  if (found->digest != digest) {
    return fail(ErrorCode::conflict, "this Idempotency-Key came with another body before",
                "use a new key for a new request");
  }
  if (!found->done) {
    return fail(ErrorCode::conflict, "the first request with this Idempotency-Key is still running",
                "try again in a moment");
  }
  if (!found->answer.body) {
    return fail(ErrorCode::conflict, "this request was done already; its answer was kept for ten minutes and is gone",
                "look at what it made; a lost key can be replaced: crctl token rotate");
  }
  return std::optional<StoredAnswer>(found->answer);
}

void AdminReplay::finish(const std::string& scope, const std::string& key, std::optional<StoredAnswer> answer) {
  const base::MutexLock lock(mutex_);
  const auto found = find(scope, key);
  if (found == entries_.end()) return;
  if (!answer) {
    entries_.erase(found);
    return;
  }
  found->done = true;
  found->answer = std::move(*answer);
}

}  // namespace cr::server::admin
