// SPDX-License-Identifier: MIT
#include "relay/router.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace cr::relay {

namespace {

bool serves(ledger::ChannelKind kind, openai::Endpoint endpoint) {
  if (kind == ledger::ChannelKind::echo) return true;
  const bool anthropic = endpoint == openai::Endpoint::messages;
  return anthropic == (kind == ledger::ChannelKind::anthropic);
}

std::string_view upstream_name(const ledger::ChannelRecord& channel, std::string_view model) {
  if (channel.model_map.empty()) return model;
  const auto found = channel.model_map.find(std::string(model));
  return found == channel.model_map.end() ? model : std::string_view(found->second);
}

bool serves_model(const ledger::ChannelRecord& channel, std::string_view model) {
  if (!channel.models.empty() && channel.model_set.allows(model)) return true;
  return !channel.model_map.empty() && channel.model_map.contains(std::string(model));
}

// Draws by weight, without putting back: a heavy channel is likelier first, every channel has its place.
void order_by_weight(std::vector<Route>& tries, std::size_t begin, std::size_t end, std::uint32_t random) {
  for (; end - begin > 1; ++begin) {
    std::int64_t total = 0;
    for (auto i = begin; i < end; ++i) total += std::max<std::int64_t>(tries[i].channel->weight, 0);
    if (total <= 0) return;
    auto left = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(total));
    auto pick = begin;
    while (left >= std::max<std::int64_t>(tries[pick].channel->weight, 0)) {
      left -= std::max<std::int64_t>(tries[pick].channel->weight, 0);
      ++pick;
    }
    std::swap(tries[begin], tries[pick]);
    random = random * 1664525u + 1013904223u;  // Numerical Recipes' LCG: enough for the second choice
  }
}

void order(std::vector<Route>& tries, std::uint32_t random) {
  for (std::size_t begin = 0; begin < tries.size();) {
    auto end = begin + 1;
    while (end < tries.size() && tries[end].channel->priority == tries[begin].channel->priority) ++end;
    order_by_weight(tries, begin, end, random);
    begin = end;
  }
}

void add_names(const ledger::ChannelRecord& channel, const std::vector<std::string>& priced,
               std::set<std::string>& names) {
  for (const auto& entry : channel.model_map) names.insert(entry.first);
  for (const auto& model : channel.models) {
    if (model.find_first_of("*?") == std::string::npos) {
      names.insert(model);
      continue;
    }
    for (const auto& name : priced) {
      if (base::glob_match(model, name)) names.insert(name);
    }
  }
}

}  // namespace

Kept judge(const ledger::ChannelRecord& channel, std::string_view model, openai::Endpoint endpoint) {
  if (channel.enabled == ledger::Switch::off) return Kept::disabled;
  if (!serves(channel.kind, endpoint)) return Kept::other_endpoint;
  return serves_model(channel, model) ? Kept::yes : Kept::other_model;
}

Routes find_routes(const ledger::Directory& directory, const ledger::TokenRecord& token, std::string_view model,
                   openai::Endpoint endpoint, std::uint32_t random) {
  Routes routes;
  for (const auto& group : token.groups) {
    for (const auto& channel : directory.channels_of(group)) {
      if (judge(*channel, model, endpoint) == Kept::yes)
        routes.tries.push_back({channel, upstream_name(*channel, model)});
    }
    if (routes.tries.empty()) continue;
    routes.group = directory.find_group(group);
    order(routes.tries, random);
    break;
  }
  return routes;
}

std::vector<std::string> reachable_models(const ledger::Directory& directory, const ledger::TokenRecord& token) {
  const auto priced = directory.priced_models();
  std::set<std::string> names;
  for (const auto& group : token.groups) {
    for (const auto& channel : directory.channels_of(group)) {
      if (channel->enabled == ledger::Switch::on) add_names(*channel, priced, names);
    }
  }
  std::vector<std::string> allowed;
  for (const auto& name : names) {
    if (token.model_set.allows(name)) allowed.push_back(name);
  }
  return allowed;
}

}  // namespace cr::relay
