// SPDX-License-Identifier: MIT
#include "base/boot.h"

#include <time.h>

#include <filesystem>
#include <fstream>

namespace cr::base {

std::int64_t boot_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string boot_identity() {
  std::string boot;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, boot);
  std::error_code failed;
  const auto network = std::filesystem::read_symlink("/proc/self/ns/net", failed);
  if (boot.empty() || failed) return {};
  return boot + ' ' + network.string();
}

}  // namespace cr::base
