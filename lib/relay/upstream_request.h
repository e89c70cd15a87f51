// SPDX-License-Identifier: MIT
// The head of a request to a provider: built from an allowlist, never copied from the client's. Holds the channel's
// key: wipe it after use. Pure; worker thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"
#include "ledger/records.h"
#include "openai/endpoint.h"
#include "relay/lane.h"

namespace cr::relay {

struct UpstreamCall {
  std::string_view method = "POST";
  std::string_view target;                             // what follows the channel's base_url: "/chat/completions"
  std::string_view content_type = "application/json";  // empty: there is no body
  std::optional<std::uint64_t> body_bytes{};           // none: the body, if any, is chunked
};
UpstreamCall call_of(openai::Endpoint endpoint, std::optional<std::uint64_t> body_bytes);

// Into `head`, which is cleared first. `turn` picks among the channel's keys; `client` (may be null) is where the
// passed fields come from.
void write_upstream_head(std::string& head, const ledger::ChannelRecord& channel, const ChannelAddress& address,
                         const UpstreamCall& call, std::uint32_t turn, const http::RequestHead* client);

}  // namespace cr::relay
