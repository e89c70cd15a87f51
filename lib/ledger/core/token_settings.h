// SPDX-License-Identifier: MIT
// TokenSettings: what a token may do, apart from what differs from one token to the next. Most tokens of a store have
// the same, so their records share one copy: SharedTokenSettings copies it before an edit, SettingsPool finds the one
// that is there already. Records that are published are immutable; the pool is the ledger thread's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/credits.h"
#include "ledger/core/shared_part.h"
#include "token/scope.h"

namespace cr::ledger {

enum class WhenLow { clamp, refuse };

inline constexpr std::size_t k_period_count = 3;
// What a token may spend in each calendar period of its time zone, by Period; none = no limit there.
using BudgetLimits = std::array<std::optional<base::Credits>, k_period_count>;

// More than these is refused for now, and costs no row. None = no limit.
struct RateLimits {
  std::optional<std::int64_t> requests_per_minute;
  std::optional<std::int64_t> tokens_per_minute;  // model tokens, in and out
  std::optional<std::int64_t> requests_at_once;
  bool any() const { return requests_per_minute || tokens_per_minute || requests_at_once; }
  bool operator==(const RateLimits&) const = default;
};

struct TokenSettings {
  std::vector<std::string> groups;  // names, in order
  std::optional<base::Time> not_before;
  std::vector<std::string> models, allow_ip;  // as typed
  token::ModelSet model_set;                  // compiled of `models`
  token::IpSet ip_set;                        // compiled of `allow_ip`
  BudgetLimits budgets{};
  base::Zone zone;  // the budgets' calendar
  RateLimits rates;
  WhenLow when_low = WhenLow::clamp;
  std::map<std::string, std::string> tags;
  std::string note;
  bool retrievable = false;

  bool operator==(const TokenSettings& other) const;  // what was compiled follows from the rest
};

class SharedTokenSettings {
 public:
  SharedTokenSettings();  // as TokenSettings() is
  const TokenSettings& operator*() const { return *shared_; }
  const TokenSettings* operator->() const { return shared_.get(); }
  // This record's own from here on; good until the next copy of this.
  TokenSettings& edit() { return own(shared_); }
  bool is_shared_with(const SharedTokenSettings& other) const { return shared_ == other.shared_; }

 private:
  friend class SettingsPool;
  std::shared_ptr<TokenSettings> shared_;  // never null
};

class SettingsPool {
 public:
  // The copy that was given out for equal settings, if it is remembered and a record still has it; else these. It
  // remembers one copy a place, and keeps none alive.
  void share(SharedTokenSettings& settings);

 private:
  static constexpr std::size_t k_places = 4096;
  std::vector<std::weak_ptr<TokenSettings>> places_;  // by hash; empty until the first
};

}  // namespace cr::ledger
