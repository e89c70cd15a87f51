// SPDX-License-Identifier: MIT
// WorkerContext: what one worker's requests share: its event loop, pooled upstream connections, scanner, its view of
// the directory, and what waits for the ledger thread. Worker thread only; it is destroyed after what waits on its
// loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/memory_budget.h"
#include "dialect/request_scan.h"
#include "http/client/upstream_pool.h"
#include "http/dns/egress_policy.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/tls/tls_contexts.h"
#include "ledger/core/ledger.h"
#include "relay/policy/settings.h"
#include "relay/request/caller.h"
#include "relay/request/ledger_wait.h"
#include "relay/request/metrics.h"
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
  routing::RateLimiter rates{};
  routing::CircuitBreaker health{};
  Metrics metrics{};
  base::MemoryBudget memory{base::MemoryBudget::Limits{}};  // by token
  http::client::DistrustedProviders distrusted{};
};

// Where a channel's requests go, worked out once for each revision of it.
struct ChannelAddress {
  http::client::UpstreamTarget target;
  std::string authority;          // for Host
  bool has_certificates = false;  // files of its own
  http::client::PoolKey key;      // another address whenever it is worked out anew
};

// The certificate files a channel names.
http::tls::TlsFiles tls_files(const ledger::ChannelRecord& channel);

class WorkerContext {
 public:
  WorkerContext(http::asio::io_context& io, std::uint32_t index, Shared& shared,
                std::shared_ptr<const policy::Settings> settings);

  http::asio::io_context& io() { return io_; }
  std::uint32_t index() const { return index_; }
  LedgerWaits& ledger_waits() { return ledger_waits_; }
  Shared& shared() { return shared_; }
  http::Heartbeat& heartbeat() { return heartbeat_; }
  http::dns::EgressPolicy& resolver() { return resolver_; }
  http::client::UpstreamPool& pool() { return pool_; }
  dialect::RequestScanner& scanner() { return scanner_; }
  const KeyReader& key_reader() const { return key_reader_; }
  ledger::DirectorySnapshot directory() { return directory_.current(); }
  routing::ModelLists& model_lists() { return model_lists_; }
  const std::shared_ptr<const policy::Settings>& settings() const { return settings_; }
  // After a reload, which may have read channels' certificate files again.
  void use(std::shared_ptr<const policy::Settings> settings);
  // An error was logged. Kept by its user: a reload or many edits make the worker forget it.
  base::Result<std::shared_ptr<const ChannelAddress>> address_of(const ledger::ChannelRecord& channel);
  std::uint32_t random() { return static_cast<std::uint32_t>(random_()); }

  // A string that already has room; wiped when it comes back, since heads to providers carry keys.
  std::string take_text();
  void give_back(std::string&& text);

  // Requests under way, so that a second SIGTERM can cut them.
  std::list<Exchange*>& running() { return running_; }
  void cut_all();
  // Whether a new request may come: what it uses can be recorded.
  bool ledger_admits() const { return shared_.ledger.admits(settings_->ledger_timeout); }

 private:
  void log_surplus(std::uint64_t provider);
  base::Result<std::shared_ptr<const ChannelAddress>> work_out(const ledger::ChannelRecord& channel);

  http::asio::io_context& io_;
  std::uint32_t index_;
  Shared& shared_;
  std::shared_ptr<const policy::Settings> settings_;
  http::Heartbeat heartbeat_;
  http::dns::EgressPolicy resolver_;
  http::client::UpstreamPool pool_;
  dialect::RequestScanner scanner_;
  KeyReader key_reader_;
  ledger::DirectoryReader directory_;
  routing::ModelLists model_lists_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const ChannelAddress>> addresses_;
  std::uint64_t next_pool_key_ = 0;
  std::list<Exchange*> running_;
  LedgerWaits ledger_waits_;
  std::mt19937 random_;
  std::vector<std::string> texts_;
};

}  // namespace cr::relay::request
