// SPDX-License-Identifier: MIT
// What [limits] memory is where the file does not say, and what has to fit into it. Read at the start and at a reload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "server/config/config.h"

namespace cr::server::config {

// memory.max of this process's cgroup and those above it, the lowest in bytes (Linux, cgroup-v2.rst); none: there is no
// limit, or no cgroup v2. `processes` is /proc/self/cgroup, `root` where the hierarchy is mounted.
std::optional<std::uint64_t> cgroup_memory_max(const std::string& processes = "/proc/self/cgroup",
                                               const std::string& root = "/sys/fs/cgroup");

struct MemoryKeys {
  bool memory = false, body_bytes_max = false;  // the file has them
};

// Without limits.memory in the file: 512 MiB, or half of `limit` if that is less; and if the file has no
// limits.body_bytes_max either, that gets as low as it takes to fit.
void set_default_memory(Config& config, MemoryKeys given, std::optional<std::uint64_t> limit);

// `invalid` where a token's share could not hold one body, or one waiting answer's event would not fit the reserve.
base::Result<void> check_memory(const Config& config);

}  // namespace cr::server::config
