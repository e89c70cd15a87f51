// SPDX-License-Identifier: MIT
#include "relay/request/worker_context.h"

#include <utility>

#include "relay/request/exchange.h"

namespace cr::relay::request {

namespace asio = http::asio;

WorkerContext::WorkerContext(asio::io_context& io, std::uint32_t index, Shared& shared,
                             std::shared_ptr<const policy::Settings> settings)
    : io_(io),
      index_(index),
      shared_(shared),
      settings_(std::move(settings)),
      heartbeat_(io),
      refusals_told_(heartbeat_, {{}, {}, [this](base::SteadyTime now) { shared_.refusal_log.tell(now); }}),
      upstreams_(io, heartbeat_,
                 {shared.log, shared.tls, shared.names, shared.distrusted, shared.learnt, shared.ledger.directory()},
                 settings_->upstream_idle_connections_max),
      key_reader_{shared.ledger.key_prefix(),
                  [&ledger = shared.ledger](std::string_view key) { return ledger.digest(key); }},
      directory_(shared.ledger.directory()),
      random_(std::random_device()()) {
  refusals_told_.ticking(true);
}

void WorkerContext::use(std::shared_ptr<const policy::Settings> settings) {
  settings_ = std::move(settings);
  upstreams_.reload(settings_->upstream_idle_connections_max);
}

void WorkerContext::note_source(const Caller& caller, const token::IpAddress& peer) {
  if (caller.source || !caller.token) return;
  const auto count = shared_.unread_source.count(base::coarse_now());
  if (!count) return;
  shared_.log.warning("X-Forwarded-For of a trusted proxy cannot be read: tokens with an allowlist are refused",
                      {{"proxy", peer.to_string()}, {"requests", std::to_string(*count)}});
}

void WorkerContext::cut_all() {
  for (Exchange* exchange : running_) exchange->cut();
  ledger_waits_.leave_all();
}

}  // namespace cr::relay::request
