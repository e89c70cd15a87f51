// SPDX-License-Identifier: MIT
// Which shard of a Directory holds what. Pure; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "ledger/core/directory_builder.h"

namespace cr::ledger {

// A digest is random already.
inline std::size_t shard_of(const token::Digest& digest) {
  return (static_cast<std::size_t>(digest[0]) << 8 | digest[1]) % Directory::Impl::k_shards;
}
inline std::size_t shard_of(TokenId id) {
  return static_cast<std::size_t>(id.value) % Directory::Impl::k_shards;
}
inline std::size_t shard_of(std::string_view name) {
  return std::hash<std::string_view>()(name) % Directory::Impl::k_shards;
}

}  // namespace cr::ledger
