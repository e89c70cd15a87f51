// SPDX-License-Identifier: MIT
#include "relay/request/own_probe.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "base/clock.h"
#include "provider/provider.h"
#include "relay/request/attempt_result.h"
#include "relay/request/health_log.h"
#include "relay/request/probe_entry.h"

namespace cr::relay::request {

using http::client::AnswerOutcome;
using routing::Observation;
using Probe = Metrics::ProbeOutcome;

namespace {

// So small a request is answered sooner, whatever the channel's own timeouts are.
constexpr std::chrono::seconds k_timeout{30};

struct Asked {
  ledger::DirectorySnapshot directory;
  const ledger::ChannelRecord* channel = nullptr;  // the directory's
  std::uint32_t key = 0;
  std::string model, upstream_model;
};

std::string_view words_for(AnswerOutcome outcome) {
  switch (outcome) {
    case AnswerOutcome::timed_out:
      return "did not answer in time";
    case AnswerOutcome::garbage:
      return "answered no HTTP";
    default:
      return "closed the connection";
  }
}

void conclude(const OwnProbe& parts, const Asked& asked, const ProbeAnswer& answer) {
  const auto finding = judge_probe(answer, asked.channel->kind);
  auto row =
      probe_settlement(answer, {*asked.channel, asked.model, asked.upstream_model}, *asked.directory, base::wall_now());
  const auto cost = row ? row->cost : base::Credits();
  routing::BreakerChange change;
  if (finding.outcome != Probe::unclear) {
    change =
        parts.health.probed(*asked.channel, asked.key, asked.upstream_model, finding.observation, base::steady_now());
  }
  dialect::Usage used;
  if (row) used.input_tokens = row->input_tokens;
  if (row) used.output_tokens = row->output_tokens;
  parts.metrics.count_probe(finding.outcome, used, cost);
  const auto told = finding.outcome == Probe::good  ? "it answers"
                    : finding.outcome == Probe::bad ? "it fails"
                                                    : "unclear";
  parts.log.info("asked a channel that failed one token's request", {{"channel", asked.channel->name},
                                                                     {"model", asked.upstream_model},
                                                                     {"status", std::to_string(answer.status)},
                                                                     {"finding", told},
                                                                     {"cost", cost.to_decimal()}});
  log_health(parts.log, *asked.channel, asked.key, change, finding.observation);
  if (row && parts.ledger != nullptr) parts.ledger->settle(std::move(*row));
}

http::Task<void> ask(OwnProbe parts, Asked asked) {
  const auto timeout = std::min<std::chrono::milliseconds>(k_timeout, asked.channel->timeout_first_byte);
  const auto answer =
      co_await send_probe(parts.upstreams, *asked.channel, asked.key, asked.upstream_model, timeout, ProbeBy::crd);
  conclude(parts, asked, answer);
}

}  // namespace

ProbeFinding judge_probe(const ProbeAnswer& answer, ledger::ChannelKind kind) {
  const auto bad = [](Observation observation) {
    observation.of_request = false;
    return ProbeFinding{Probe::bad, observation};
  };
  if (answer.not_connected && answer.not_connected->code == base::ErrorCode::exhausted)
    return {};  // says nothing of it
  if (answer.not_connected) return bad({Observation::Kind::failed, 0, "could not be reached"});
  if (answer.outcome == AnswerOutcome::cancelled) return {};
  if (answer.outcome != AnswerOutcome::ok) return bad({Observation::Kind::failed, 0, words_for(answer.outcome)});
  const auto said = says_why(answer.status) ? dialect::read_provider_error(answer.body) : dialect::ProviderError{};
  auto observation = rule_on_head(answer.status, false, true, said).observation;
  if (observation.kind == Observation::Kind::answered) {
    if (answer.status >= 300) return {};
    if (!answer.whole) return bad({Observation::Kind::failed, 0, "its answer broke off"});
    switch (kind_of_answer(answer, kind)) {
      case dialect::AnswerKind::none:
        return bad({Observation::Kind::failed, 0, "gave no answer"});
      case dialect::AnswerKind::unknown:
        return {};
      case dialect::AnswerKind::answer:
        return {Probe::good, observation};
    }
  }
  if (tells_wait(observation)) observation.retry_after = answer.retry_after;
  return bad(observation);
}

void start_own_probe(const OwnProbe& parts, const ledger::DirectorySnapshot& directory, base::ChannelId channel,
                     std::uint32_t key, std::string model, std::string upstream_model) {
  const auto* record = directory->find_channel(channel);
  if (record == nullptr || provider::of(record->kind).local != nullptr) return;
  Asked asked{directory, record, key, std::move(model), std::move(upstream_model)};
  http::asio::co_spawn(parts.upstreams.io(), ask(parts, std::move(asked)), http::asio::detached);
}

}  // namespace cr::relay::request
