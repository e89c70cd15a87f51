// SPDX-License-Identifier: MIT
#include "relay/request/upload_stream_steps.h"

namespace cr::relay::request {

template class BasicUploadStream<http::server::Connection, http::client::UpstreamConnection>;

}  // namespace cr::relay::request
