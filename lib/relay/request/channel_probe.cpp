// SPDX-License-Identifier: MIT
#include "relay/request/channel_probe.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "relay/request/upstream_request.h"

namespace cr::relay::request {

namespace {

constexpr int k_probe_output_tokens = 16;

std::int64_t since(base::SteadyTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - start).count();
}

std::string first_model(const ledger::ChannelRecord& channel) {
  const auto plain = [](const std::string& name) { return name.find_first_of("*?") == std::string::npos; };
  const auto found = std::find_if(channel.models.begin(), channel.models.end(), plain);
  if (found != channel.models.end()) return *found;
  return channel.model_map.empty() ? std::string() : channel.model_map.begin()->first;
}

std::string mapped_model(const ledger::ChannelRecord& channel, const std::string& model) {
  const auto mapped = channel.model_map.find(model);
  return mapped == channel.model_map.end() ? model : mapped->second;
}

std::string probe_body(const ledger::ChannelRecord& channel, const std::string& upstream_model) {
  const auto bound = channel.kind == ledger::ChannelKind::anthropic || channel.bound_field.empty()
                         ? "max_tokens"
                         : channel.bound_field;
  const auto message = nlohmann::json{{"role", "user"}, {"content", "ping"}};
  return nlohmann::json{
      {"model", upstream_model}, {"messages", nlohmann::json::array({message})}, {bound, k_probe_output_tokens}}
      .dump();
}

std::string sentence(int status) {
  if (status < 300) return "the provider answered";
  if (status == 401 || status == 403)
    return "the provider refused the channel's key: replace it with 'crctl channel set-key'";
  if (status == 404) return "the provider knows no such address or model: check --base-url and the model's name";
  if (status == 429) return "the provider limits this key at the moment";
  if (status >= 500) return "the provider is in trouble";
  if (status >= 400) return "the provider refused the request: check the model's name";
  return "the provider redirects: check --base-url";
}

}  // namespace

http::Task<ProbeResult> probe_channel(Lane& lane, std::shared_ptr<const ledger::ChannelRecord> channel,
                                      std::uint32_t key, std::string model) {
  ProbeResult result;
  result.model = model.empty() ? first_model(*channel) : std::move(model);
  if (result.model.empty()) {
    result.message = "all of the channel's models are patterns: name one with --model";
    co_return result;
  }
  result.upstream_model = mapped_model(*channel, result.model);
  if (channel->kind == ledger::ChannelKind::echo) {
    result.ok = true;
    result.status = 200;
    result.message = "echo answers by itself";
    co_return result;
  }
  const auto started = base::steady_now();
  const auto address = lane.address_of(*channel);
  if (!address) {
    result.message = address.error().message;
    co_return result;
  }
  const ChannelAddress target = **address;
  auto connection = lane.pool().make();
  const auto connected = co_await connection->connect(target.target, lane.resolver());
  result.connect_ms = result.total_ms = since(started);
  if (!connected) {
    result.message = connected.error().message;
    co_return result;
  }
  const auto body = probe_body(*channel, result.upstream_model);
  const auto endpoint = channel->kind == ledger::ChannelKind::anthropic ? dialect::Endpoint::messages
                                                                        : dialect::Endpoint::chat_completions;
  std::string head;
  write_upstream_head(head, *channel, target, call_of(endpoint, body.size()), key, nullptr);
  const std::array<http::asio::const_buffer, 2> buffers{http::asio::buffer(head), http::asio::buffer(body)};
  connection->begin_send(buffers);
  const auto outcome = co_await connection->read_head(channel->timeout_first_byte);
  base::wipe(head);
  result.total_ms = since(started);
  if (outcome == http::client::AnswerOutcome::ok) {
    result.status = connection->head().status;
    result.ok = result.status >= 200 && result.status < 300;
    result.message = sentence(result.status);
  } else {
    result.message = outcome == http::client::AnswerOutcome::timed_out ? "the provider did not answer in time"
                                                                       : "the provider's answer was not usable";
  }
  co_return result;
}

}  // namespace cr::relay::request
