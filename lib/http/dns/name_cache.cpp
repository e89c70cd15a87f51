// SPDX-License-Identifier: MIT
#include "http/dns/name_cache.h"

#include <algorithm>
#include <utility>

namespace cr::http::dns {

const base::Result<Addresses>* NameCache::find(const std::string& name, base::SteadyTime now) const {
  const auto found = names_.find(name);
  return found == names_.end() || found->second.until <= now ? nullptr : &found->second.answer;
}

void NameCache::put(const std::string& name, base::Result<Addresses> answer, std::chrono::seconds ttl,
                    base::SteadyTime now) {
  if (names_.size() >= names_max_ && !names_.contains(name)) {
    std::erase_if(names_, [&](const auto& entry) { return entry.second.until <= now; });
    if (names_.size() >= names_max_) names_.erase(names_.begin());
  }
  const auto kept = answer ? std::clamp(ttl, k_ttl_min, k_ttl_max) : k_failure_ttl;
  names_.insert_or_assign(name, Remembered{std::move(answer), now + kept});
}

}  // namespace cr::http::dns
