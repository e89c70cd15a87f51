// SPDX-License-Identifier: MIT
// AddressPlaces: how many connections, or requests by way of a trusted proxy, each source address has at once. Any
// thread. AddressPlace: one of them, given up by its destructor; its AddressPlaces outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "base/address.h"
#include "base/mutex.h"

namespace cr::server::listener {

class AddressPlaces {
 public:
  // One more of this address unless it has `most`. Of v6 its /64 counts: whoever has one address there has all.
  bool enter(const base::IpAddress& address, std::int64_t most);
  void leave(const base::IpAddress& address);

 private:
  struct Shard {
    base::Mutex mutex;
    std::map<base::IpAddress, std::int64_t> counts CR_GUARDED_BY(mutex);  // above 0
  };
  Shard& shard_of(const base::IpAddress& network);

  std::array<Shard, 16> shards_;
};

class AddressPlace {
 public:
  AddressPlace() = default;  // of nobody: what need not be counted
  AddressPlace(AddressPlaces& places, const base::IpAddress& address, std::int64_t most)
      : places_(places.enter(address, most) ? &places : nullptr), refused_(places_ == nullptr), address_(address) {}
  AddressPlace(AddressPlace&& other) noexcept
      : places_(std::exchange(other.places_, nullptr)), refused_(other.refused_), address_(other.address_) {}
  AddressPlace& operator=(AddressPlace&&) = delete;
  ~AddressPlace() {
    if (places_ != nullptr) places_->leave(address_);
  }
  bool refused() const { return refused_; }

 private:
  AddressPlaces* places_ = nullptr;
  bool refused_ = false;
  base::IpAddress address_;
};

}  // namespace cr::server::listener
