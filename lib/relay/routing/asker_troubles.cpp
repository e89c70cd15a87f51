// SPDX-License-Identifier: MIT
#include "relay/routing/asker_troubles.h"

#include <algorithm>
#include <functional>

namespace cr::relay::routing {

namespace {

std::size_t hash_of(std::string_view model) {
  return std::hash<std::string_view>()(model);
}

}  // namespace

const AskerTroubles::Trouble* AskerTroubles::find(const Subject& subject, base::SteadyTime now) const {
  if (troubles_.empty() || !subject.token) return nullptr;
  const auto model = hash_of(subject.model);
  const Trouble* longest = nullptr;
  for (const auto& one : troubles_) {
    const bool concerned = one.token == subject.token && one.model == model && one.until > now &&
                           (one.key == k_every_key || one.key == subject.key);
    if (concerned && (longest == nullptr || one.until > longest->until)) longest = &one;
  }
  return longest;
}

AskerTroubles::Trouble* AskerTroubles::add(const Subject& subject, base::SteadyTime sent_at, base::SteadyTime now) {
  const auto model = hash_of(subject.model);
  const auto known = std::find_if(troubles_.begin(), troubles_.end(), [&](const Trouble& one) {
    return one.token == subject.token && one.key == subject.key && one.model == model;
  });
  if (known != troubles_.end()) {
    if (sent_at <= known->since) return nullptr;
    ++known->step;
    known->since = now;
    return &*known;
  }
  make_room(subject.token);
  Trouble added;
  added.token = subject.token;
  added.key = subject.key;
  added.model = model;
  added.since = now;
  troubles_.push_back(added);
  return &troubles_.back();
}

void AskerTroubles::make_room(base::TokenId token) {
  const auto of_it = [token](const Trouble& one) { return one.token == token; };
  const bool too_many =
      static_cast<std::size_t>(std::count_if(troubles_.begin(), troubles_.end(), of_it)) >= k_most_of_one;
  if (!too_many && troubles_.size() < k_most) return;
  auto oldest = troubles_.end();
  for (auto one = troubles_.begin(); one != troubles_.end(); ++one) {
    if (too_many && !of_it(*one)) continue;
    if (oldest == troubles_.end() || one->since < oldest->since) oldest = one;
  }
  troubles_.erase(oldest);
}

void AskerTroubles::clear(const Subject& subject, base::SteadyTime sent_at) {
  if (troubles_.empty()) return;
  const auto model = hash_of(subject.model);
  std::erase_if(troubles_, [&](const Trouble& one) {
    return one.token == subject.token && one.model == model && one.since < sent_at &&
           (one.key == k_every_key || one.key == subject.key);
  });
}

void AskerTroubles::forget_old(base::SteadyTime now) {
  std::erase_if(troubles_, [now](const Trouble& one) { return one.until + k_remembered <= now; });
}

}  // namespace cr::relay::routing
