// SPDX-License-Identifier: MIT
#include "server/listener/descriptor_plan.h"

#include <algorithm>

namespace cr::server::listener {

namespace {

constexpr std::uint64_t k_of_a_worker = 4;  // its loop's three, and one kept for accepting without any left
constexpr std::uint64_t k_of_admin = 131;   // its connections, its socket, two kept for accepting
// The standard streams, the store with its log and readers, the look-up of names, certificates while they are read.
constexpr std::uint64_t k_of_the_rest = 24;
constexpr std::int64_t k_connections_min = 1;

}  // namespace

DescriptorPlan plan_descriptors(const DescriptorNeeds& needs) {
  const auto kept = needs.workers * (k_of_a_worker + needs.listeners) + k_of_admin + k_of_the_rest;
  const auto left = needs.limit > kept ? (needs.limit - kept) / 2 : 0;
  const auto wanted = static_cast<std::uint64_t>(needs.connections_max);
  if (wanted <= left) return {needs.connections_max, {}};
  const auto allowed = std::max(k_connections_min, static_cast<std::int64_t>(left));
  return {allowed, "connections_max is " + std::to_string(wanted) + ", but " + std::to_string(needs.limit) +
                       " open files allow " + std::to_string(allowed) +
                       ": raise the limit (LimitNOFILE, ulimit -n) to " + std::to_string(2 * wanted + kept)};
}

}  // namespace cr::server::listener
