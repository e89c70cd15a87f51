// SPDX-License-Identifier: MIT
#include "relay/request/health_log.h"

#include "base/text.h"

namespace cr::relay::request {

using Kind = routing::BreakerChange::Kind;

void log_health(base::Log& log, const ledger::ChannelRecord& channel, std::uint32_t key,
                const routing::BreakerChange& change, const routing::Observation& observation) {
  if (change.kind == Kind::none) return;
  if (change.kind == Kind::back) {
    log.info("channel is back", {{"channel", channel.name}});
    return;
  }
  const auto reason =
      observation.status == 0 ? std::string(observation.what) : "answered " + std::to_string(observation.status);
  const auto wait = base::format_duration(change.cool_down);
  if (change.kind == Kind::set_aside) {
    log.warning("channel set aside", {{"channel", channel.name}, {"reason", reason}, {"for", wait}});
    return;
  }
  const auto& hints = channel.key_hints;
  const auto hint = key < hints.size() ? to_text(hints[key]) : std::string("none");
  log.error(observation.out_of_credit ? "the account of a channel's key has no credit left: the key is set aside"
                                      : "the provider refuses a channel's key: it is set aside",
            {{"channel", channel.name}, {"key", hint}, {"reason", reason}, {"for", wait}});
}

}  // namespace cr::relay::request
