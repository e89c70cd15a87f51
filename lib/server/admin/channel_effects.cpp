// SPDX-License-Identifier: MIT
#include "server/admin/channel_effects.h"

#include <algorithm>

#include "base/url.h"
#include "provider/kinds/known_hosts.h"
#include "provider/provider.h"

namespace cr::server::admin {

namespace {

constexpr const char* k_set = "set for this channel";

std::string bound_text(const ledger::ChannelRecord& channel, const std::string& host,
                       const provider::KnownHost* known) {
  const bool by_host = known != nullptr && !known->bound_field.empty();
  return "bound_field: " + channel.bound_field + ", " +
         (channel.bound_field_chosen ? k_set
          : by_host                  ? "known of " + host
                                     : "as usual");
}

std::string usage_text(const ledger::ChannelRecord& channel, const std::string& host,
                       const provider::KnownHost* known) {
  const std::string asked = "stream_usage: streams are asked for it, ", not_asked = "stream_usage: not asked for, ";
  if (channel.stream_usage == "always") return asked + k_set;
  if (channel.stream_usage == "never") return not_asked + k_set;
  if (!provider::of(channel.kind).quirks.asks_for_stream_usage) return not_asked + "told by this kind unasked";
  return known != nullptr && !known->takes_usage_wish ? not_asked + "known of " + host : asked + "as usual";
}

}  // namespace

std::vector<std::string> channel_effects(const ledger::ChannelRecord& channel, LearntOfModels learnt) {
  if (!provider::row_of(channel.kind).needs_base_url && channel.base_url.empty()) return {};
  const auto url = base::Url::parse(channel.base_url);
  const std::string host = url ? url->host : std::string();
  const auto* known = provider::find_known_host(host);
  std::vector<std::string> effects{bound_text(channel, host, known), usage_text(channel, host, known)};
  std::ranges::sort(learnt, {}, &LearntOfModels::value_type::first);
  for (const auto& [model, edit] : learnt) {
    if (!edit.bound_field.empty() && !channel.bound_field_chosen)
      effects.push_back("bound_field of " + model + ": " + std::string(edit.bound_field) + ", learnt from a refusal");
    if (edit.bound_most)
      effects.push_back("bound of " + model + ": " + std::to_string(*edit.bound_most) +
                        " at most, learnt from a refusal");
    if (edit.no_usage && channel.stream_usage == "auto")
      effects.push_back("stream_usage of " + model + ": not asked for, learnt from a refusal");
  }
  if (channel.output_rate_max)
    effects.push_back("output_rate_max: " + std::to_string(*channel.output_rate_max) + " tokens a second, " + k_set);
  if (channel.cancels == "never")
    effects.push_back(std::string("cancels: a closed connection does not end the provider's work, ") + k_set);
  if (channel.retry_after_timeout)
    effects.push_back(std::string("retry_after_timeout: the next route is tried after a timeout, ") + k_set);
  return effects;
}

}  // namespace cr::server::admin
