// SPDX-License-Identifier: MIT
#include "server/listener/address_places.h"

namespace cr::server::listener {

AddressPlaces::Shard& AddressPlaces::shard_of(const base::IpAddress& network) {
  std::uint8_t mixed = 0;
  for (const auto byte : network.bytes) mixed = static_cast<std::uint8_t>(mixed * 31 + byte);
  return shards_[mixed % shards_.size()];
}

bool AddressPlaces::enter(const base::IpAddress& address, std::int64_t most) {
  const auto network = address.holder();
  auto& shard = shard_of(network);
  const base::MutexLock lock(shard.mutex);
  auto& count = shard.counts[network];
  const bool enters = count < most;
  if (enters) ++count;
  if (count == 0) shard.counts.erase(network);
  return enters;
}

void AddressPlaces::leave(const base::IpAddress& address) {
  const auto network = address.holder();
  auto& shard = shard_of(network);
  const base::MutexLock lock(shard.mutex);
  const auto place = shard.counts.find(network);
  if (place != shard.counts.end() && --place->second == 0) shard.counts.erase(place);
}

}  // namespace cr::server::listener
