// SPDX-License-Identifier: MIT
// Preflight: what a start would be refused for or warn of, found without making or changing anything: for `crd
// --check`, and for the start itself. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/config.h"
#include "server/listener/descriptor_plan.h"

namespace cr::crd {

inline constexpr std::string_view k_store_file = "/ledger.db";  // in the state directory

// Certificates to trust, the state directory and what is in it, the place of the admin socket.
base::Result<void> check_start(const server::config::Config& config);

// What serves, but not as its administrator may think: a sentence each. `config_file` may be empty.
std::vector<std::string> warnings_at_start(const server::config::Config& config, const std::string& config_file);

// By the process's limit of open files.
server::listener::DescriptorPlan plan_descriptors(const server::config::Config& config);

// Threads that serve requests.
std::size_t worker_count(const server::config::Config& config);

}  // namespace cr::crd
