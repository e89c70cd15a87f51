// SPDX-License-Identifier: MIT
// Which shard of a Directory holds what. Pure; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "ledger/core/directory_builder.h"

namespace cr::ledger {

// A digest is random already.
template <std::size_t count = Directory::Impl::k_shards>
std::size_t shard_of(const token::Digest& digest) {
  return (static_cast<std::size_t>(digest[0]) << 8 | digest[1]) % count;
}
template <std::size_t count = Directory::Impl::k_shards, class Tag>
std::size_t shard_of(base::RowId<Tag> id) {
  return static_cast<std::size_t>(id.value) % count;
}
template <std::size_t count = Directory::Impl::k_shards>
std::size_t shard_of(std::string_view name) {
  return std::hash<std::string_view>()(name) % count;
}

}  // namespace cr::ledger
