// SPDX-License-Identifier: MIT
// crctl's exit codes and how an Error becomes one. 4, 6 and 7 are LSB numbers, so that systemd names a failed timer.
#pragma once

#include "base/result.h"

namespace cr::crctl {

enum class Exit : int {
  done = 0,
  failed = 1,
  usage = 2,  // or a confirmation is needed and there is no terminal
  not_permitted = 4,
  config_invalid = 6,
  not_running = 7,
  not_found = 10,
  conflict = 11,
  not_retrievable = 12,
  some_failed = 13,
  said_no = 14,  // a check, or books that differ
  timeout = 15,
  declined = 16,
  interrupted = 130,
};

Exit exit_of(base::ErrorCode code);

}  // namespace cr::crctl
