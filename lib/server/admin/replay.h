// SPDX-License-Identifier: MIT
// AdminReplay: answers of requests that carried an Idempotency-Key, so that a repeated one is answered and not done
// again. In memory only: a restart forgets them. An answer with a key in it is wiped after ten minutes, the fact that
// it was given stays for a day. Thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret.h"
#include "token/key.h"

namespace cr::server::admin {

struct StoredAnswer {
  int status = 200;
  std::shared_ptr<const base::Secret> body;
  std::optional<std::int64_t> rev;
};

class AdminReplay {
 public:
  static constexpr std::chrono::hours k_kept{24};
  static constexpr std::chrono::minutes k_answer_kept{10};
  static constexpr std::size_t k_entries_max = 1000;  // the oldest go first

  // An answer: it was done before, give this one. Nothing: it is the first, do it and then call finish().
  // `conflict`: the key belongs to another request, is in use right now, or its answer is no longer kept.
  // `scope` is method and path, `digest` the body's.
  base::Result<std::optional<StoredAnswer>> begin(const std::string& scope, const std::string& key,
                                                  const token::Digest& digest, base::SteadyTime now);
  // Wipes and forgets what is too old; called now and then, so that a key does not stay because nobody asks.
  void sweep(base::SteadyTime now);
  // No answer: it failed, the key is free again.
  void finish(const std::string& scope, const std::string& key, std::optional<StoredAnswer> answer);

 private:
  struct Entry {
    std::string scope, key;
    token::Digest digest{};
    base::SteadyTime since;
    bool done = false;
    StoredAnswer answer;
  };
  void forget_old(base::SteadyTime now) CR_REQUIRES(mutex_);
  std::list<Entry>::iterator find(const std::string& scope, const std::string& key) CR_REQUIRES(mutex_);
  base::Mutex mutex_;
  std::list<Entry> entries_ CR_GUARDED_BY(mutex_);  // oldest first
};

}  // namespace cr::server::admin
