// SPDX-License-Identifier: MIT
// A request to a provider. Its head is built from an allowlist, never copied from the client's, and holds the channel's
// key: wipe it after use. Pure; worker thread.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/endpoint.h"
#include "dialect/request_scan.h"
#include "http/message/head.h"
#include "http/net/gather.h"
#include "ledger/core/records.h"
#include "provider/provider.h"
#include "relay/request/upstream_access.h"

namespace cr::relay::request {

// What is asked for.
struct UpstreamCall {
  std::string_view method = "POST";
  provider::Asked asked{};
  std::string_view content_type = "application/json";  // empty: there is no body
  std::optional<std::uint64_t> body_bytes{};           // none: the body, if any, is chunked
  bool probe = false;                                  // crd asks by itself, and says so
};
// `model`: the provider's name for it.
UpstreamCall call_of(dialect::Endpoint endpoint, std::string_view model, std::optional<std::uint64_t> body_bytes);

// What is being sent: kept by the Attempt, so that the coroutine that sends it has a frame small enough to be reused.
struct UpstreamRequest {
  std::string head;  // the worker wipes it
  std::vector<dialect::Edit> edits;
  std::string edited;  // the body, if the edits are many
  boost::container::static_vector<http::asio::const_buffer, http::Gather::k_buffers_max> buffers;
};

// Into `head`, which is cleared first. `turn` picks among the channel's keys; `client` (may be null) is where the
// passed fields come from.
void write_upstream_head(std::string& head, const ledger::ChannelRecord& channel, const ChannelAddress& address,
                         const UpstreamCall& call, std::uint32_t turn, const http::message::RequestHead* client);

}  // namespace cr::relay::request
