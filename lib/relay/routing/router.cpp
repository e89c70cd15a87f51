// SPDX-License-Identifier: MIT
#include "relay/routing/router.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "base/text.h"
#include "provider/provider.h"
#include "relay/routing/model_names.h"

namespace cr::relay::routing {

namespace {

bool serves(ledger::ChannelKind kind, dialect::Endpoint endpoint) {
  return provider::of(kind).serves(endpoint, dialect::dialect_of(endpoint));
}

std::string_view upstream_name(const ledger::ChannelRecord& channel, std::string_view model) {
  if (channel.model_map.empty()) return model;
  const auto found = channel.model_map.find(std::string(model));
  return found == channel.model_map.end() ? model : std::string_view(found->second);
}

bool may_serve(const ledger::ChannelRecord& channel, dialect::Endpoint endpoint) {
  return channel.enabled == ledger::Switch::on && serves(channel.kind, endpoint);
}

bool serves_model(const ledger::ChannelRecord& channel, std::string_view model) {
  if (!channel.models.empty() && channel.model_set.allows(model)) return true;
  return !channel.model_map.empty() && channel.model_map.contains(std::string(model));
}

// As many as a request may try (relay.tries_max): what stands behind them keeps its order.
constexpr std::size_t k_draws_max = 100;

// Draws by weight, without putting back: a heavy channel is likelier first, every channel has its place.
void order_by_weight(std::vector<Route>& tries, std::size_t begin, std::size_t end, std::uint32_t random) {
  for (std::size_t draws = 0; end - begin > 1 && draws < k_draws_max; ++begin, ++draws) {
    std::int64_t total = 0;
    for (auto i = begin; i < end; ++i) total += std::max<std::int64_t>(tries[i].channel->weight, 0);
    if (total <= 0) return;
    // The high bits: the low ones of the generator below repeat soon.
    auto left = static_cast<std::int64_t>((std::uint64_t{random} * static_cast<std::uint64_t>(total)) >> 32);
    auto pick = begin;
    while (left >= std::max<std::int64_t>(tries[pick].channel->weight, 0)) {
      left -= std::max<std::int64_t>(tries[pick].channel->weight, 0);
      ++pick;
    }
    std::swap(tries[begin], tries[pick]);
    random = random * 1664525u + 1013904223u;  // Numerical Recipes' LCG: enough for the second choice
  }
}

// From `begin`: what was kept of one group, which its channels come in by priority.
void order(std::vector<Route>& tries, std::size_t begin, std::uint32_t random) {
  while (begin < tries.size()) {
    auto end = begin + 1;
    while (end < tries.size() && tries[end].channel->priority == tries[begin].channel->priority) ++end;
    order_by_weight(tries, begin, end, random);
    begin = end;
  }
}

// A channel that two of the groups have is tried once.
std::unordered_set<const ledger::ChannelRecord*> channels_in(const std::vector<Route>& tries) {
  std::unordered_set<const ledger::ChannelRecord*> channels;
  for (const auto& route : tries) channels.insert(route.channel);
  return channels;
}

bool is_sooner(const Availability& availability, const std::optional<Availability>& than) {
  if (!than) return true;
  // Waiting helps everywhere but with refused keys: they need the operator.
  const bool refused = availability.state == Availability::State::keys_refused;
  if (refused != (than->state == Availability::State::keys_refused)) return !refused;
  return availability.until < than->until;
}

// None if the key is gone: another may be its successor at the same account.
std::optional<std::uint32_t> find_key(const ledger::ChannelRecord& channel, std::string_view hint) {
  const auto& hints = channel.key_hints;
  for (std::size_t i = 0; i < hints.size(); ++i) {
    if (to_text(hints[i]) == hint) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

}  // namespace

RouteDecision decide(const ledger::ChannelRecord& channel, std::string_view model, dialect::Endpoint endpoint) {
  if (channel.enabled == ledger::Switch::off) return RouteDecision::disabled;
  if (!serves(channel.kind, endpoint)) return RouteDecision::other_endpoint;
  return serves_model(channel, model) ? RouteDecision::yes : RouteDecision::other_model;
}

dialect::Refusal closed_refusal(const Availability& soonest) {
  if (soonest.state == Availability::State::keys_refused) {
    return {
        dialect::RefusalCode::upstream_auth,
        "the provider refused the keys of every channel that serves this model: ask the administrator to replace them",
        {},
        {}};
  }
  const auto wait =
      std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(soonest.until - base::steady_now()));
  if (soonest.state == Availability::State::limited) {
    return {dialect::RefusalCode::rate_limit_exceeded,
            "the providers limit this model at the moment: wait, and send the request again",
            {},
            wait};
  }
  return {dialect::RefusalCode::unavailable,
          "every channel that serves this model is set aside after failures: wait, and send the request again",
          {},
          wait};
}

Asker asker_of(const ledger::Directory& directory, const ledger::TokenRecord& token) {
  return {token.id, token.account, directory.account_count() == 1};
}

Routes find_routes(const ledger::Directory& directory, const ledger::TokenRecord& token, std::string_view model,
                   dialect::Endpoint endpoint, CircuitBreaker& health, base::SteadyTime now, std::uint32_t random) {
  Routes routes;
  std::vector<Route> set_aside;
  const auto asker = asker_of(directory, token);
  const auto servings = directory.serving(token.settings->groups, model);
  for (std::size_t at = 0; at < servings.size();) {
    const auto place = servings[at].group;
    const auto* group = directory.find_group(token.settings->groups[place]).get();
    const auto begin = routes.tries.size(), begin_aside = set_aside.size();
    const auto there = channels_in(routes.tries), there_aside = channels_in(set_aside);
    for (; at < servings.size() && servings[at].group == place; ++at) {
      const auto& channel = *servings[at].channel;
      if (group == nullptr || !may_serve(channel, endpoint) || there.contains(&channel)) continue;
      const auto upstream_model = upstream_name(channel, model);
      const auto availability = health.look(channel, upstream_model, now, asker);
      if (availability.may_send()) {
        routes.tries.push_back({&channel, group, upstream_model, {}, asker});
        continue;
      }
      if (is_sooner(availability, routes.closed)) routes.closed = availability;
      if (availability.as_last && !there_aside.contains(&channel))
        set_aside.push_back({&channel, group, upstream_model, {}, asker, true});
    }
    order(routes.tries, begin, random);
    order(set_aside, begin_aside, random);
  }
  routes.tries.insert(routes.tries.end(), set_aside.begin(), set_aside.end());
  return routes;
}

Routes find_home(const ledger::Directory& directory, const ledger::TokenRecord& token,
                 const ledger::StoredResponse& response, std::string_view model, dialect::Endpoint endpoint,
                 CircuitBreaker& health, base::SteadyTime now) {
  Routes routes;
  const auto* found = directory.find_channel(response.channel);
  if (found == nullptr) return routes;
  const auto& channel = *found;
  for (const auto& name : token.settings->groups) {
    if (std::find(channel.groups.begin(), channel.groups.end(), name) == channel.groups.end()) continue;
    // What was made there is there, whatever models the channel serves by now; echo keeps nothing.
    const bool reachable = endpoint == dialect::Endpoint::response_by_id
                               ? may_serve(channel, endpoint)
                               : decide(channel, model, endpoint) == RouteDecision::yes;
    if (!reachable) return routes;
    const auto upstream_model = upstream_name(channel, model);
    const auto asker = asker_of(directory, token);
    const auto availability = health.look(channel, upstream_model, now, asker);
    if (availability.may_send() || availability.as_last) {
      routes.tries.push_back({&channel, directory.find_group(name).get(), upstream_model,
                              find_key(channel, response.key_hint), asker, !availability.may_send()});
    } else {
      routes.closed = availability;
    }
    return routes;
  }
  return routes;
}

std::vector<Explained> explain_routes(const ledger::Directory& directory, const ledger::TokenRecord& token,
                                      std::string_view model, dialect::Endpoint endpoint, CircuitBreaker& health,
                                      base::SteadyTime now) {
  std::vector<Explained> all;
  std::unordered_set<const ledger::ChannelRecord*> told;
  const auto routes = find_routes(directory, token, model, endpoint, health, now, 0);
  const auto asker = asker_of(directory, token);
  std::int64_t total = 0;
  const auto first = [&](const Route& route) {
    return !route.as_last && route.group == routes.tries.front().group &&
           route.channel->priority == routes.tries.front().channel->priority;
  };
  for (const auto& route : routes.tries) {
    if (first(route)) total += route.channel->weight;
  }
  const auto add = [&](const ledger::ChannelRecord& channel, const ledger::GroupRecord* group) {
    Explained one{&channel, group, upstream_name(channel, model), decide(channel, model, endpoint), {}, asker, 0};
    if (one.kept == RouteDecision::yes) one.availability = health.look(channel, one.upstream_model, now, asker);
    all.push_back(one);
    told.insert(&channel);
  };
  for (const auto& route : routes.tries) {
    add(*route.channel, route.group);
    if (!first(route)) continue;
    all.back().share_percent = total > 0         ? static_cast<int>((route.channel->weight * 100 + total / 2) / total)
                               : all.size() == 1 ? 100
                                                 : 0;
  }
  for (const auto& name : token.settings->groups) {
    for (const auto& channel : directory.channels_of(name)) {
      if (!told.contains(channel.get())) add(*channel, directory.find_group(name).get());
    }
  }
  for (const auto& channel : directory.channels()) {
    if (!told.contains(channel.get())) add(*channel, nullptr);
  }
  return all;
}

std::vector<std::string> reachable_models(const ledger::DirectorySnapshot& directory,
                                          const ledger::TokenRecord& token) {
  constexpr std::size_t k_all = std::numeric_limits<std::size_t>::max();
  ModelNames all(directory, token.settings->groups);
  all.build(k_all);
  const ModelFilter filter(token.settings->model_set);
  std::vector<std::string> allowed;
  for (const auto& name : all.names()) {
    if (filter.allows(name)) allowed.push_back(name);
  }
  return allowed;
}

}  // namespace cr::relay::routing
