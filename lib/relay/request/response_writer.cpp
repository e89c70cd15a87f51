// SPDX-License-Identifier: MIT
#include "relay/request/response_writer_steps.h"

namespace cr::relay::request {

template class BasicResponseWriter<http::server::Connection>;

}  // namespace cr::relay::request
