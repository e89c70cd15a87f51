// SPDX-License-Identifier: MIT
// DescriptorPlan: how many clients the open files of a process allow. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace cr::server::listener {

struct DescriptorNeeds {
  std::uint64_t limit = 0;  // RLIMIT_NOFILE
  std::uint64_t workers = 1, listeners = 1;
  std::int64_t connections_max = 0;  // as configured
};

struct DescriptorPlan {
  std::int64_t connections_max = 0;  // never more than configured
  std::string warning;               // where it is less: which limit to raise
};

// What is left beside the process's own files and the admin socket is halved: each client's request needs a connection
// to a provider, too.
DescriptorPlan plan_descriptors(const DescriptorNeeds& needs);

}  // namespace cr::server::listener
