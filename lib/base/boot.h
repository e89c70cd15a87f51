// SPDX-License-Identifier: MIT
// What tells whether the connections of a process that has ended were closed by its end: the kernel that ran it and its
// network namespace, and a clock that goes on while the machine sleeps. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace cr::base {

// Milliseconds since the kernel's start, the machine's sleep counted (CLOCK_BOOTTIME); no step of the wall clock moves
// it. A virtual machine that its host pauses does not see the pause.
std::int64_t boot_ms();

// Of this process: "<boot id> net:[<inode>]" (random(4), namespaces(7)). Empty: the system does not say; then it is
// the same as no other.
std::string boot_identity();

}  // namespace cr::base
