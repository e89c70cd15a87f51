// SPDX-License-Identifier: MIT
// AdminApi: one request of the admin socket -> one answer, through the table of routes. Knows nothing of sockets.
// Thread-safe: several admin threads call answer() at once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/messages.h"
#include "base/log.h"
#include "http/tls/tls_contexts.h"
#include "ledger/core/ledger.h"
#include "relay/request/learnt_edits.h"
#include "relay/request/least_costs.h"
#include "relay/routing/circuit_breaker.h"
#include "relay/routing/rate_limiter.h"
#include "server/admin/model_listing.h"
#include "server/admin/rate.h"
#include "server/admin/replay.h"

namespace cr::server::admin {

// What the admin side asks of the rest of the daemon. Called on admin threads.
struct AdminHooks {
  std::function<cr::admin::Status()> status;  // tokens and channels are counted here
  std::function<std::string()> metrics;       // as Prometheus reads them
  std::function<cr::admin::ConfigChecked(const std::string& text, const std::string& name)> check_config;
  std::function<cr::admin::ConfigChecked()> reload;
  std::function<base::Result<cr::admin::ChannelTest>(const std::string& channel,
                                                     const cr::admin::ChannelTestRequest& request)>
      test_channel;
  relay::routing::CircuitBreaker* health = nullptr;     // of the request path; never null
  relay::routing::RateLimiter* rates = nullptr;         // likewise
  const relay::request::LearntEdits* learnt = nullptr;  // likewise; null: nothing is learnt
  relay::request::LeastCosts* least_costs = nullptr;    // likewise
  std::function<std::uint32_t()> tries_max;             // channels tried for one request
  std::function<std::int64_t()> refusals_per_second;    // of a token, before it is shut out; 0: it never is
  // Reads a channel's certificate files, so that its connections have them (not in a dry run). `invalid` names a bad
  // one.
  std::function<base::Result<void>(const http::tls::TlsFiles& files, ledger::Ledger::DryRun dry_run)> take_certificates;
};

using AdminQuery = std::multimap<std::string, std::string>;

struct AdminRequest {
  std::string method;
  std::string target;  // as sent: path and query, percent-encoded
  std::string_view body;
  std::string if_match, idempotency_key;
  ledger::Actor actor;
  std::string request_id;
  std::function<bool()> abandoned;  // true: nobody waits for the answer any more; empty = cannot be told

  bool is_abandoned() const { return abandoned && abandoned(); }
};

struct AdminAnswer {
  int status = 200;
  base::Secret body;  // JSON but for metrics; some hold a key
  std::optional<std::int64_t> rev{};
  std::string_view content_type = "application/json";
};

struct RouteCall;
struct Route;

class AdminApi {
 public:
  AdminApi(ledger::Ledger& ledger, AdminHooks hooks, base::Log& log);

  // Any thread. Never throws; what goes wrong is an answer too.
  AdminAnswer answer(const AdminRequest& request);
  void sweep() { replay_.sweep(base::steady_now()); }  // every minute or so

  ledger::Ledger& ledger() { return ledger_; }
  const AdminHooks& hooks() const { return hooks_; }
  AdminRate& copy_rate() { return copy_rate_; }
  AdminRate& verify_rate() { return verify_rate_; }
  ModelListings& model_listings() { return model_listings_; }

 private:
  AdminAnswer run(const Route& route, RouteCall& call);
  AdminAnswer run_once(const Route& route, RouteCall& call);

  ledger::Ledger& ledger_;
  AdminHooks hooks_;
  base::Log& log_;
  AdminReplay replay_;
  AdminRate copy_rate_{10};
  AdminRate verify_rate_{60};
  ModelListings model_listings_;
};

}  // namespace cr::server::admin
