// SPDX-License-Identifier: MIT
// WorkerContext: what one worker's requests share: its event loop, its access to providers, scanner, its view of the
// directory, and what waits for the ledger thread. Worker thread only; it is destroyed after what waits on its
// loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <random>

#include "base/log.h"
#include "base/memory_budget.h"
#include "base/rare_line.h"
#include "dialect/request_scan.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/tls/tls_contexts.h"
#include "ledger/core/ledger.h"
#include "relay/policy/settings.h"
#include "relay/request/caller.h"
#include "relay/request/least_costs.h"
#include "relay/request/ledger_wait.h"
#include "relay/request/metrics.h"
#include "relay/request/refusal_log.h"
#include "relay/request/upstream_access.h"
#include "relay/routing/circuit_breaker.h"
#include "relay/routing/model_names.h"
#include "relay/routing/rate_limiter.h"

namespace cr::relay::request {

class Exchange;

// Shared by all workers of the process.
struct Shared {
  ledger::Ledger& ledger;
  base::Log& log;
  http::tls::TlsContexts& tls;
  http::dns::DnsResolver& names;
  std::atomic<std::int64_t> requests_running{0};
  std::atomic<std::uint64_t> requests_total{0};
  std::atomic<bool> draining{false};
  bool is_draining() const { return draining.load(std::memory_order_relaxed); }
  routing::RateLimiter rates{};
  routing::CircuitBreaker health{};
  Metrics metrics{};
  base::MemoryBudget memory{base::MemoryBudget::Limits{}};  // by token
  // What connections hold of requests that are not counted there: heads, and bodies of up to 64 KiB; by address.
  base::MemoryBudget unfinished{policy::Settings().unfinished_limits(), http::server::Connection::k_grain};
  http::client::DistrustedProviders distrusted{};
  LearntEdits learnt{};
  base::RareLine unread_source{};
  RefusalLog refusal_log{log};
  LeastCosts least_costs{};
};

class WorkerContext {
 public:
  WorkerContext(http::asio::io_context& io, std::uint32_t index, Shared& shared,
                std::shared_ptr<const policy::Settings> settings);

  http::asio::io_context& io() { return io_; }
  std::uint32_t index() const { return index_; }
  LedgerWaits& ledger_waits() { return ledger_waits_; }
  Shared& shared() { return shared_; }
  http::Heartbeat& heartbeat() { return heartbeat_; }
  UpstreamAccess& upstreams() { return upstreams_; }
  dialect::RequestScanner& scanner() { return scanner_; }
  const KeyReader& key_reader() const { return key_reader_; }
  ledger::DirectorySnapshot directory() { return directory_.current(); }
  routing::ModelLists& model_lists() { return model_lists_; }
  const std::shared_ptr<const policy::Settings>& settings() const { return settings_; }
  // After a reload, which may have read channels' certificate files again.
  void use(std::shared_ptr<const policy::Settings> settings);
  // A line where a proxy that is trusted names no source of a request that can be read.
  void note_source(const Caller& caller, const token::IpAddress& peer);
  std::uint32_t random() { return static_cast<std::uint32_t>(random_()); }

  // Requests under way, so that a second SIGTERM can cut them.
  std::list<Exchange*>& running() { return running_; }
  void cut_all();
  // Whether a new request may come: what it uses can be recorded.
  bool ledger_admits() const { return shared_.ledger.admits(settings_->ledger_timeout); }

 private:
  http::asio::io_context& io_;
  std::uint32_t index_;
  Shared& shared_;
  std::shared_ptr<const policy::Settings> settings_;
  http::Heartbeat heartbeat_;
  http::Watch refusals_told_;  // tells of those that the log left out
  UpstreamAccess upstreams_;
  dialect::RequestScanner scanner_;
  KeyReader key_reader_;
  ledger::DirectoryReader directory_;
  routing::ModelLists model_lists_;
  std::list<Exchange*> running_;
  LedgerWaits ledger_waits_;
  std::mt19937 random_;
};

}  // namespace cr::relay::request
