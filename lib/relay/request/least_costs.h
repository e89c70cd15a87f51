// SPDX-License-Identifier: MIT
// What the smallest request costs that a token can send: less left than that pays nothing, and its token is exhausted
// however much of a cent it has. LeastCostSearch finds it, name by name, so that a worker can serve others in between;
// one thread. LeastCosts keeps what was found for each set of groups and models until a channel or a price is edited;
// any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/credits.h"
#include "base/mutex.h"
#include "ledger/core/directory.h"
#include "relay/request/admission.h"
#include "relay/routing/model_names.h"

namespace cr::relay::request {

// What is reserved for it, at least; none: the token can send nothing that has a price, which says nothing of its
// credit.
using LeastCost = std::optional<base::Credits>;

// Whether what is left is as good as nothing; `least` 0: every request is free, or it is not known.
inline bool pays_nothing(base::Credits left, base::Credits least) {
  return left == base::Credits() || left < least;
}

class LeastCostSearch {
 public:
  // `directory` outlives it; `token` has a limit. As if no channel were set aside: that is not the token's.
  LeastCostSearch(const ledger::Directory& directory, std::shared_ptr<const ledger::TokenRecord> token, base::Time now);
  // A name that the token's groups serve, whether its own list has it or not.
  void look_at(std::string_view model);
  // Nothing is less.
  bool is_over() const { return least_ == base::Credits(); }
  const LeastCost& least() const { return least_; }

 private:
  std::shared_ptr<const ledger::TokenRecord> token_;
  const routing::ModelFilter filter_;
  const base::Time now_;
  routing::CircuitBreaker health_{};
  routing::RateLimiter rates_{};
  Admission admission_;
  LeastCost least_;
};

class LeastCosts {
 public:
  struct Known {
    LeastCost least;
  };
  // None: it is to be searched for, and put().
  std::optional<Known> find(const ledger::Directory& directory, const ledger::TokenRecord& token, base::Time now);
  void put(const ledger::Directory& directory, const ledger::TokenRecord& token, base::Time now, LeastCost least);

 private:
  static constexpr std::size_t k_kept_max = 1024;
  void forget_others(const ledger::Directory& directory, base::Time now) CR_REQUIRES(mutex_);

  base::Mutex mutex_;
  ledger::ModelsVersion version_ CR_GUARDED_BY(mutex_);
  std::int64_t minute_ CR_GUARDED_BY(mutex_) = 0;  // prices that were set for later come into force, and groups change
  std::map<std::string, LeastCost> kept_ CR_GUARDED_BY(mutex_);
};

}  // namespace cr::relay::request
