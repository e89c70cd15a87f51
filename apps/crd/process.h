// SPDX-License-Identifier: MIT
// What the process asks of the system before anything else runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/listener/passed_sockets.h"

namespace cr::crd {

// No core dumps, no ptrace by the same user, SIGPIPE ignored, umask 077, as many descriptors as the hard limit gives.
void harden_process();

// `path` as a directory only its owner may enter; made if it is missing.
base::Result<void> make_private_directory(const std::string& path);
// Whether what is there may be it; nothing there: it may.
base::Result<void> check_private_directory(const std::string& path);

// "READY=1", "STOPPING=1", "STATUS=...": to the service manager, if there is one.
void notify_manager(std::string_view state);
// Half of WatchdogSec in microseconds, or 0 if no watchdog is set.
std::uint64_t watchdog_interval_us();
// Listening sockets passed by the service manager (sd_listen_fds). Once: the variables that tell of them are taken out
// of the environment, so that no child believes they are its own.
base::Result<std::vector<server::listener::PassedSocket>> take_passed_sockets();

}  // namespace cr::crd
