// SPDX-License-Identifier: MIT
// TokenResults: which tokens a channel has served lately, and which saw only failures: whether the failures of some are
// the channel's, or their own requests'. Bounded: a few hundred tokens, in places that depend on the token, so that one
// account's tokens cannot crowd out all others. Nothing is allocated after the first result. Its owner locks it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "relay/routing/asker.h"

namespace cr::relay::routing {

class TokenResults {
 public:
  static constexpr std::size_t k_sets = 64, k_places = 4;  // as many tokens as their product
  static constexpr std::chrono::seconds k_window{60};
  // So many failures in a row outweigh a token's own good answers of the window, once nobody else has one either.
  static constexpr std::uint32_t k_turned = 3;

  void note_good(const Asker& asker, base::SteadyTime now);
  void note_failure(const Asker& asker, base::SteadyTime now);
  // crd's own request was answered well.
  void note_own_good(base::SteadyTime now) { last_good_ = own_good_ = now; }

  // Whether the failures are the channel's by the word of tokens alone: of those that it served in the window, more
  // than half, and two accounts (where the site has one: two tokens), saw only failures since anybody's last good
  // answer. A token that had good answers within the window says so after k_turned failures; and where there are such,
  // most of them must. `only_account`: the site has one; two of its tokens say nothing beside a good answer to crd's
  // own request within the window.
  bool agree(bool only_account, base::SteadyTime now) const;

 private:
  struct Entry {
    base::TokenId token{};
    base::AccountId account{};
    base::SteadyTime good_at = base::SteadyTime::min(), failed_at = base::SteadyTime::min();
    std::uint32_t failures = 0;  // in a row
  };
  Entry& at(const Asker& asker);

  std::vector<Entry> entries_;
  base::SteadyTime last_good_ = base::SteadyTime::min();  // anybody's
  base::SteadyTime own_good_ = base::SteadyTime::min();   // crd's
};

}  // namespace cr::relay::routing
