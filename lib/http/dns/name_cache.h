// SPDX-License-Identifier: MIT
// NameCache: what names resolved to, for as long as their records say; failures for a moment. Bounded. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/net/net.h"

namespace cr::http::dns {

using Addresses = std::vector<asio::ip::address>;

class NameCache {
 public:
  static constexpr std::chrono::seconds k_ttl_min{1}, k_ttl_max{300}, k_failure_ttl{2};
  explicit NameCache(std::size_t names_max = 1024) : names_max_(names_max) {}

  // Null if nothing is known, or no longer. Valid to the next put().
  const base::Result<Addresses>* find(const std::string& name, base::SteadyTime now) const;
  // `ttl` is kept within the limits above; of a failure it is not asked.
  void put(const std::string& name, base::Result<Addresses> answer, std::chrono::seconds ttl, base::SteadyTime now);
  std::size_t size() const { return names_.size(); }

 private:
  struct Remembered {
    base::Result<Addresses> answer;
    base::SteadyTime until;
  };
  const std::size_t names_max_;
  std::unordered_map<std::string, Remembered> names_;
};

}  // namespace cr::http::dns
