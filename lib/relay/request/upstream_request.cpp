// SPDX-License-Identifier: MIT
#include "relay/request/upstream_request.h"

#include "http/message/head_writer.h"
#include "relay/request/passed_fields.h"

namespace cr::relay::request {

namespace {

constexpr std::string_view k_user_agent = "code-router/" CR_VERSION;
constexpr std::size_t k_head_bytes = 2048;
constexpr std::size_t k_credential_bytes = 1024;
constexpr std::string_view k_anthropic_version = "2023-06-01";

void write_credential(http::message::HeadWriter& writer, const ledger::ChannelRecord& channel, std::uint32_t turn) {
  if (channel.keys.empty()) return;
  const auto key = channel.keys[turn % channel.keys.size()]->reveal();
  if (channel.kind == ledger::ChannelKind::anthropic) {
    writer.field("x-api-key", key);
    return;
  }
  writer.field("authorization", "Bearer ", key);
}

}  // namespace

UpstreamCall call_of(dialect::Endpoint endpoint, std::optional<std::uint64_t> body_bytes) {
  UpstreamCall call;
  // base_url ends where /v1 does: an endpoint's path is what follows it.
  call.target = dialect::path_of(endpoint).substr(std::string_view("/v1").size());
  call.body_bytes = body_bytes;
  return call;
}

void write_upstream_head(std::string& head, const ledger::ChannelRecord& channel, const ChannelAddress& address,
                         const UpstreamCall& call, std::uint32_t turn, const http::message::RequestHead* client) {
  head.clear();
  head.reserve(k_head_bytes);
  http::message::HeadWriter writer(head);
  // Cannot fail: neither Url::parse nor the parser of the client's head lets a blank or a control byte through.
  (void)writer.request_line(call.method, address.target.url.path, call.target);
  writer.field("host", address.authority);
  if (!call.content_type.empty()) {
    writer.field("content-type", call.content_type);
    if (call.body_bytes) {
      writer.field("content-length", *call.body_bytes);
    } else {
      writer.field("transfer-encoding", "chunked");
    }
  }
  writer.field("accept-encoding", "identity");
  writer.field("user-agent", k_user_agent);
  for (const auto& [name, value] : channel.headers) writer.field(name, value);
  if (client != nullptr) pass_request_fields(writer, *client, channel);
  const bool has_version = client && client->find("anthropic-version");
  if (channel.kind == ledger::ChannelKind::anthropic && !has_version)
    writer.field("anthropic-version", k_anthropic_version);
  // The key goes last, and a string that grew after it would leave a copy behind.
  if (head.capacity() - head.size() < k_credential_bytes) head.reserve(head.size() + k_credential_bytes);
  write_credential(writer, channel, turn);
  writer.end();
}

}  // namespace cr::relay::request
