// SPDX-License-Identifier: MIT
#include "relay/request/probe_entry.h"

#include <algorithm>

#include "dialect/meter.h"
#include "ledger/core/own_requests.h"
#include "provider/provider.h"
#include "relay/request/priced_request.h"

namespace cr::relay::request {

using http::client::AnswerOutcome;

namespace {

// Upper bounds of what a probe comes to (provider/provider.h: the smallest request that shows that all is good).
constexpr std::int64_t k_input_tokens_max = 64;
constexpr std::int64_t k_output_tokens_max = 16;

// What it used, as the provider told it; at most what it asked for where nothing was told of an answer that came, or
// may have been made: then `untold` is true.
struct ProbeUsage {
  dialect::Usage usage;
  bool untold = false;
  dialect::Told told{};
};
ProbeUsage probe_usage(const ProbeAnswer& answer, ledger::ChannelKind kind) {
  dialect::Usage most;
  most.input_tokens = k_input_tokens_max;
  most.output_tokens = k_output_tokens_max;
  if (answer.not_connected) return {};
  if (answer.outcome != AnswerOutcome::ok) return {most, true, {}};
  if (answer.status < 200 || answer.status >= 300) return {};
  const auto& provider = provider::of(kind);
  const auto endpoint = provider.probe.endpoint;
  dialect::Meter meter(provider::meter_form(provider, dialect::dialect_of(endpoint)), endpoint,
                       dialect::UsageEvent::forward);
  meter.observe_body(answer.body);
  if (answer.whole && !answer.coded && meter.answer_kind() == dialect::AnswerKind::none) return {};
  const auto told = meter.usage();
  return {told.value_or(most), !told, meter.told()};
}

// As of any request: of the model that answered, else of the one that was asked, else of its name here.
std::shared_ptr<const ledger::PriceRecord> find_price(const dialect::Told& told, const ProbedRoute& route,
                                                      const ledger::Directory& directory, base::Time now) {
  for (const auto model : {told.text("/model"), route.upstream_model, route.model}) {
    if (auto price = directory.find_price(model, now)) return price;
  }
  return nullptr;
}

// By the tier that answered, or what the provider tells that it charges where that is more.
void charge(ledger::Settlement& row, const ProbeUsage& used, const ledger::PriceRecord& price,
            const ledger::ChannelRecord& channel) {
  const dialect::RequestScan said;
  const PricedRequest request{.scan = said, .price = &price, .channel = &channel};
  row.cost = request.cost(used.usage, &used.told);
  row.price_generation = price.generation;
  const auto theirs = base::Credits::from_nano(used.told.count("/usage/cost"));
  if (theirs > row.cost) row.flags |= ledger::k_told_cost;
  row.cost = std::max(row.cost, theirs);
}

}  // namespace

std::optional<ledger::Settlement> probe_settlement(const ProbeAnswer& answer, const ProbedRoute& route,
                                                   const ledger::Directory& directory, base::Time now) {
  const auto used = probe_usage(answer, route.channel.kind);
  const auto& usage = used.usage;
  if (usage == dialect::Usage{}) return std::nullopt;
  ledger::Settlement row;
  row.facts.id = base::RequestId::make(now);
  row.facts.started_at = now - std::chrono::milliseconds(answer.total_ms);
  row.facts.token = ledger::k_own_token;
  row.facts.model = route.model;
  row.facts.endpoint = dialect::name_of(provider::of(route.channel.kind).probe.endpoint);
  row.ending = answer.outcome == AnswerOutcome::ok ? ledger::Ending::complete : ledger::Ending::upstream_failed;
  row.status = answer.status;
  row.channel = route.channel.id;
  if (route.upstream_model != route.model) row.upstream_model = route.upstream_model;
  row.input_tokens = usage.input_tokens;
  row.cached_tokens = usage.cached_tokens;
  row.cache_write_tokens = usage.cache_write_tokens;
  row.output_tokens = usage.output_tokens;
  row.duration_ms = answer.total_ms;
  if (used.untold) row.flags |= answer.outcome == AnswerOutcome::ok ? ledger::k_estimated : ledger::k_unknown;
  const auto price = find_price(used.told, route, directory, now);
  if (price) {
    charge(row, used, *price, route.channel);
  } else {
    row.flags |= ledger::k_unpriced;
  }
  return row;
}

}  // namespace cr::relay::request
