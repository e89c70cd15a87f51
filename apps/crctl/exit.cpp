// SPDX-License-Identifier: MIT
#include "crctl/exit.h"

namespace cr::crctl {

Exit exit_of(base::ErrorCode code) {
  using base::ErrorCode;
  switch (code) {
    case ErrorCode::invalid:
      return Exit::usage;
    case ErrorCode::forbidden:
      return Exit::not_permitted;
    case ErrorCode::not_found:
      return Exit::not_found;
    case ErrorCode::conflict:
      return Exit::conflict;
    case ErrorCode::not_retrievable:
      return Exit::not_retrievable;
    case ErrorCode::refused:
      return Exit::said_no;
    case ErrorCode::unavailable:
      return Exit::not_running;
    case ErrorCode::timeout:
      return Exit::timeout;
    case ErrorCode::exhausted:
    case ErrorCode::upstream:
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return Exit::failed;
  }
  return Exit::failed;
}

}  // namespace cr::crctl
