// SPDX-License-Identifier: MIT
#include "relay/request/channel_probe.h"

#include <algorithm>
#include <array>

#include "provider/provider.h"
#include "relay/request/upstream_request.h"

namespace cr::relay::request {

namespace {

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

void judge(ProbeResult& result, const provider::Provider& provider, int status) {
  const auto finding = provider.probe.judge(status);
  result.ok = finding.ok;
  result.status = status;
  result.message = finding.message;
}

}  // namespace

http::Task<ProbeResult> probe_channel(WorkerContext& worker, std::shared_ptr<const ledger::ChannelRecord> channel,
                                      std::uint32_t key, std::string model) {
  ProbeResult result;
  result.model = model.empty() ? first_model(*channel) : std::move(model);
  if (result.model.empty()) {
    result.message = "all of the channel's models are patterns: name one with --model";
    co_return result;
  }
  result.upstream_model = mapped_model(*channel, result.model);
  const auto& provider = provider::of(channel->kind);
  if (provider.local != nullptr) {
    result.ok = true;
    result.status = 200;
    result.message = provider.local->finding;
    co_return result;
  }
  const auto started = base::steady_now();
  const auto address = worker.upstreams().address_of(*channel);
  if (!address) {
    result.message = address.error().message;
    co_return result;
  }
  const ChannelAddress target = **address;
  auto connection = worker.upstreams().pool().make();
  const auto connected = co_await connection->connect(target.target, worker.upstreams().resolver());
  result.connect_ms = result.total_ms = since(started);
  if (!connected) {
    result.message = connected.error().message;
    co_return result;
  }
  const auto& probe = provider.probe;
  const auto bound = provider::bound_field(provider, probe.endpoint, result.upstream_model, channel->bound_field);
  const auto body = probe.body(result.upstream_model, bound);
  const auto call = call_of(probe.endpoint, result.upstream_model, body.size());
  std::string head;
  write_upstream_head(head, *channel, target, call, key, nullptr);
  const std::array<http::asio::const_buffer, 2> buffers{http::asio::buffer(head), http::asio::buffer(body)};
  connection->begin_send(buffers);
  const auto outcome = co_await connection->read_head(channel->timeout_first_byte);
  base::wipe(head);
  result.total_ms = since(started);
  if (outcome != http::client::AnswerOutcome::ok) {
    const bool late = outcome == http::client::AnswerOutcome::timed_out;
    result.message = late ? "the provider did not answer in time" : "the provider's answer was not usable";
    co_return result;
  }
  judge(result, provider, connection->head().status);
  co_return result;
}

}  // namespace cr::relay::request
