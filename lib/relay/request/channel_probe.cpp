// SPDX-License-Identifier: MIT
#include "relay/request/channel_probe.h"

#include <algorithm>
#include <array>

#include "dialect/meter.h"
#include "provider/provider.h"
#include "relay/request/attempt_result.h"
#include "relay/request/probe_entry.h"
#include "relay/request/upstream_request.h"
#include "relay/routing/retry_after.h"

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

void judge(ProbeResult& result, ledger::ChannelKind kind, const ProbeAnswer& answer) {
  const auto& provider = provider::of(kind);
  const auto finding = provider.probe.judge(answer.status);
  result.ok = finding.ok;
  result.status = answer.status;
  result.message = finding.message;
  if (!result.ok && says_why(answer.status) && dialect::read_provider_error(answer.body).out_of_credit)
    result.message = "the provider's account behind this key has no credit left";
  if (!result.ok || !answer.whole || kind_of_answer(answer, kind) != dialect::AnswerKind::none) return;
  result.ok = false;
  result.message = "the provider's answer is none, though its status is good: a page, an error or nothing";
}

http::Task<void> read_body(http::client::UpstreamConnection& connection, std::chrono::milliseconds timeout,
                           ProbeAnswer& answer) {
  while (answer.body.size() < k_probe_body_max) {
    const auto step = connection.step();
    answer.whole = step.state == http::client::BodyState::done;
    if (step.state == http::client::BodyState::data) {
      answer.body.append(step.data.substr(0, k_probe_body_max - answer.body.size()));
    } else if (step.state != http::client::BodyState::need_more) {
      break;
    } else {
      const auto outcome = co_await connection.fill(timeout);
      if (outcome != http::client::AnswerOutcome::ok) break;
    }
  }
}

}  // namespace

dialect::AnswerKind kind_of_answer(const ProbeAnswer& answer, ledger::ChannelKind kind) {
  if (answer.coded) return dialect::AnswerKind::unknown;
  const auto& provider = provider::of(kind);
  const auto endpoint = provider.probe.endpoint;
  dialect::Meter meter(provider::meter_form(provider, dialect::dialect_of(endpoint)), endpoint,
                       dialect::UsageEvent::forward);
  meter.observe_body(answer.body);
  return meter.answer_kind();
}

http::Task<ProbeAnswer> send_probe(UpstreamAccess& upstreams, const ledger::ChannelRecord& channel, std::uint32_t key,
                                   const std::string& upstream_model, std::chrono::milliseconds timeout, ProbeBy by) {
  ProbeAnswer answer;
  const auto started = base::steady_now();
  const auto address = upstreams.address_of(channel);
  if (!address) {
    answer.not_connected = address.error();
    co_return answer;
  }
  const ChannelAddress target = **address;
  auto connection = upstreams.pool().make();
  const auto connected = co_await connection->connect(target.target, upstreams.resolver());
  answer.connect_ms = answer.total_ms = since(started);
  if (!connected) {
    answer.not_connected = connected.error();
    co_return answer;
  }
  const auto& provider = provider::of(channel.kind);
  const auto& probe = provider.probe;
  const auto bound = provider::bound_field(provider, probe.endpoint, upstream_model, channel.bound_field);
  const auto body = probe.body(upstream_model, bound == "none" ? std::string_view() : bound);
  auto call = call_of(probe.endpoint, upstream_model, body.size());
  call.probe = by == ProbeBy::crd;
  std::string head;
  write_upstream_head(head, channel, target, call, key, nullptr);
  const std::array<http::asio::const_buffer, 2> buffers{http::asio::buffer(head), http::asio::buffer(body)};
  connection->begin_send(buffers);
  answer.outcome = co_await connection->read_head(timeout);
  base::wipe(head);
  answer.total_ms = since(started);
  if (answer.outcome != http::client::AnswerOutcome::ok) co_return answer;
  answer.status = connection->head().status;
  const auto& told = connection->head();
  answer.coded = told.find("content-encoding").has_value();
  answer.retry_after =
      routing::told_wait(told.find("retry-after"), told.find("retry-after-ms").value_or(""), base::wall_now());
  co_await read_body(*connection, std::min(timeout, channel.timeout_idle), answer);
  answer.total_ms = since(started);
  co_return answer;
}

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
  const auto answer = co_await send_probe(worker.upstreams(), *channel, key, result.upstream_model,
                                          channel->timeout_first_byte, ProbeBy::administrator);
  const ProbedRoute route{*channel, result.model, result.upstream_model};
  const auto directory = worker.directory();
  auto row = probe_settlement(answer, route, *directory, base::wall_now());
  if (row) worker.shared().ledger.settle(std::move(*row));
  result.connect_ms = answer.connect_ms;
  result.total_ms = answer.total_ms;
  if (answer.not_connected) {
    result.message = answer.not_connected->message;
  } else if (answer.outcome != http::client::AnswerOutcome::ok) {
    const bool late = answer.outcome == http::client::AnswerOutcome::timed_out;
    result.message = late ? "the provider did not answer in time" : "the provider's answer was not usable";
  } else {
    judge(result, channel->kind, answer);
  }
  co_return result;
}

}  // namespace cr::relay::request
