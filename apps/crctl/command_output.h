// SPDX-License-Identifier: MIT
// What another program prints, within a deadline. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace cr::crctl {

// The standard output of `command` (its first word is looked for in PATH), at most 64 KiB of it; its other streams go
// nowhere. Empty where it cannot be run, or has not ended by then: it is killed. Its exit code says nothing here.
std::optional<std::string> output_of(const std::vector<std::string>& command, std::chrono::milliseconds limit);

// What systemd keeps of crd's unit, as judge_unit takes it. Empty where systemd does not run, or is slow to say.
std::optional<std::string> properties_of_unit();

}  // namespace cr::crctl
