// SPDX-License-Identifier: MIT
#include "relay/request/upstream_request.h"

#include "http/message/head_writer.h"
#include "provider/provider.h"
#include "relay/request/passed_fields.h"

namespace cr::relay::request {

namespace {

constexpr std::string_view k_user_agent = "code-router/" CR_VERSION;
constexpr std::string_view k_probe_user_agent = "code-router/" CR_VERSION " (probe)";
constexpr std::size_t k_head_bytes = 2048;
constexpr std::size_t k_credential_bytes = 1024;

// Cannot fail: neither Url::parse nor the parser of the client's head lets a blank or a control byte through.
void write_request_line(http::message::HeadWriter& writer, std::string_view method, std::string_view base_path,
                        const provider::Target& target) {
  if (provider::is_plain(target)) {
    (void)writer.request_line(method, base_path, target.path);
  } else {
    (void)writer.request_line(method, base_path, provider::to_text(target));
  }
}

provider::Credential credential_of(const UpstreamCall& call, std::string_view head,
                                   const ledger::ChannelRecord& channel, std::uint32_t turn,
                                   const http::message::RequestHead* client) {
  provider::Credential credential;
  credential.method = call.method;
  const auto begin = call.method.size() + 1;
  credential.target = head.substr(begin, head.find(' ', begin) - begin);
  if (!channel.keys.empty()) credential.key = channel.keys[turn % channel.keys.size()]->reveal();
  credential.client = client;
  return credential;
}

}  // namespace

UpstreamCall call_of(dialect::Endpoint endpoint, std::string_view model, std::optional<std::uint64_t> body_bytes) {
  UpstreamCall call;
  // base_url ends where /v1 does: an endpoint's path is what follows it.
  call.asked = {endpoint, dialect::path_of(endpoint).substr(std::string_view("/v1").size()), {}, model};
  call.body_bytes = body_bytes;
  return call;
}

void write_upstream_head(std::string& head, const ledger::ChannelRecord& channel, const ChannelAddress& address,
                         const UpstreamCall& call, std::uint32_t turn, const http::message::RequestHead* client) {
  head.clear();
  head.reserve(k_head_bytes);
  const auto& provider = provider::of(channel.kind);
  http::message::HeadWriter writer(head);
  write_request_line(writer, call.method, address.target.url.path, provider.target(call.asked));
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
  writer.field("user-agent", call.probe ? k_probe_user_agent : k_user_agent);
  for (const auto& [name, value] : channel.headers) writer.field(name, value);
  if (client != nullptr) pass_request_fields(writer, *client, channel);
  // The key goes last, and a string that grew after it would leave a copy behind.
  if (head.capacity() - head.size() < k_credential_bytes) head.reserve(head.size() + k_credential_bytes);
  provider.authorize(writer, credential_of(call, head, channel, turn, client));
  writer.end();
}

}  // namespace cr::relay::request
