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

// Into `head`, which is cleared first. `turn` picks among the channel's keys; `client` (may be null) is where the
// passed fields come from. Without `body_bytes` the body is chunked.
void write_upstream_head(std::string& head, const ledger::ChannelRecord& channel, const ChannelAddress& address,
                         openai::Endpoint endpoint, std::optional<std::uint64_t> body_bytes, std::uint32_t turn,
                         const http::RequestHead* client, std::string_view content_type = "application/json");

}  // namespace cr::relay
