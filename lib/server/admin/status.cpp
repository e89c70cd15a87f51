// SPDX-License-Identifier: MIT
#include "server/admin/status.h"

namespace cr::server::admin {

int admin_status(base::ErrorCode code) {
  using base::ErrorCode;
  switch (code) {
    case ErrorCode::invalid:
      return 400;
    case ErrorCode::forbidden:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
    case ErrorCode::not_retrievable:
    case ErrorCode::refused:
      return 409;
    case ErrorCode::exhausted:
      return 429;
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return 500;
    case ErrorCode::upstream:
      return 502;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::timeout:
      return 504;
  }
  return 500;
}

}  // namespace cr::server::admin
