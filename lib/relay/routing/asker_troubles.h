// SPDX-License-Identifier: MIT
// AskerTroubles: what single tokens have seen go wrong at a channel, held against it for these tokens alone: for each
// the key and the model it was with. Bounded, and each token's share of it, too. Its owner locks it.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace cr::relay::routing {

class AskerTroubles {
 public:
  static constexpr std::size_t k_most = 128, k_most_of_one = 4;
  static constexpr std::uint32_t k_every_key = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::chrono::seconds k_remembered{60};  // once it is over, so that the next wait is a longer one

  // What it was with.
  struct Subject {
    base::TokenId token{};
    std::uint32_t key = k_every_key;
    std::string_view model;
  };
  struct Trouble {
    base::TokenId token{};
    std::uint32_t key = k_every_key;
    std::size_t model = 0;  // its hash: that two are taken for one does no harm
    int status = 0;         // 0: there was no answer
    std::string_view what{};
    base::SteadyTime since{}, until{};
    std::uint32_t step = 0;  // how often it came again
  };

  // What keeps the token from that key, for that model, at `now`; the longest. Good until the next change.
  const Trouble* find(const Subject& subject, base::SteadyTime now) const;
  // A request of `sent_at` failed: the trouble to note its answer and its end in. None where the request had been under
  // way when the trouble came. Good until the next change.
  Trouble* add(const Subject& subject, base::SteadyTime sent_at, base::SteadyTime now);
  // A request of `sent_at` was answered well: what came before it is over.
  void clear(const Subject& subject, base::SteadyTime sent_at);
  void forget_old(base::SteadyTime now);
  void clear_all() { troubles_.clear(); }
  bool empty() const { return troubles_.empty(); }

 private:
  void make_room(base::TokenId token);

  std::vector<Trouble> troubles_;
};

}  // namespace cr::relay::routing
