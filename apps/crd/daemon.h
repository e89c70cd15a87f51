// SPDX-License-Identifier: MIT
// Daemon: every long-lived object of crd, in the order they are built; destroyed in reverse. Made, run and destroyed by
// the main thread; the functions marked so are called by the admin server's threads.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "admin/messages.h"
#include "base/clock_watch.h"
#include "base/log.h"
#include "base/mutex.h"
#include "http/dns/dns_resolver.h"
#include "http/tls/tls_contexts.h"
#include "ledger/core/ledger.h"
#include "relay/request/worker_context.h"
#include "server/admin/server.h"
#include "server/config/config.h"
#include "server/listener/passed_sockets.h"
#include "server/listener/worker.h"

namespace cr::crd {

// What the configuration says of a client's connection.
std::shared_ptr<const http::server::ConnectionLimits> connection_limits(const server::config::Config& config);

class Daemon {
 public:
  // Everything up to accepting connections. `config_file` may be empty: defaults. `passed`: by the service manager.
  static base::Result<std::unique_ptr<Daemon>> start(server::config::Config config, std::string config_file,
                                                     const std::vector<server::listener::PassedSocket>& passed);
  ~Daemon();

  // What the public listeners prove themselves with; null when they are plain. Any thread.
  static base::Result<std::shared_ptr<const http::tls::TlsServer>> load_tls(const server::config::Config& config);

  // Until SIGTERM or SIGINT has been obeyed, or the store failed; returns the exit code. SIGHUP reloads.
  int run();

 private:
  Daemon(server::config::Config config, std::string config_file);

  base::Result<void> open_ledger() CR_REQUIRES(config_mutex_);
  base::Result<void> open_listeners(const server::listener::ListenPlan& plan) CR_REQUIRES(config_mutex_);
  base::Result<void> listen_on(const server::config::ListenAddress& address);
  base::Result<void> open_admin(int passed_socket) CR_REQUIRES(config_mutex_);
  base::Result<void> read_certificates();  // admin threads, too
  void use_tls(const std::shared_ptr<const http::tls::TlsServer>& tls) CR_REQUIRES(config_mutex_);
  void begin_drain();
  bool drained() const;
  void finish();
  std::chrono::milliseconds ledger_timeout() const;
  void keep_watchdog_quiet();
  void watch_clock();

  // Admin threads.
  admin::Status status() const;
  std::string metrics() const;
  admin::ConfigChecked check_config(const std::string& text, const std::string& name) const;
  admin::ConfigChecked reload();
  void use_settings() CR_REQUIRES(config_mutex_);
  base::Result<void> take_certificates(const http::tls::TlsFiles& files, ledger::Ledger::DryRun dry_run);
  base::Result<admin::ChannelTest> test_channel(const std::string& name, const admin::ChannelTestRequest& request);
  void append_channels(std::string& out) const;

  mutable base::Mutex config_mutex_;
  server::config::Config config_ CR_GUARDED_BY(config_mutex_);
  const std::string config_file_;
  std::optional<base::Time> certificate_expires_ CR_GUARDED_BY(config_mutex_);  // of the listeners'; empty: no TLS
  const base::Time started_at_;
  base::ClockWatch clock_watch_;  // the main thread's
  base::Log log_;
  std::unique_ptr<http::tls::TlsContexts> tls_;
  std::unique_ptr<http::dns::DnsResolver> names_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<relay::request::Shared> shared_;
  server::listener::ListenerState listeners_;
  std::vector<std::unique_ptr<server::listener::Worker>> workers_;
  std::vector<std::string> bound_;
  std::unique_ptr<server::admin::AdminServer> admin_;

  std::atomic<bool> store_failed_{false};
  std::atomic<std::uint32_t> beats_{0};  // workers that answered since the last watchdog notice
  base::SteadyTime drain_until_ = base::SteadyTime::max();
  base::SteadyTime next_notice_{};
  std::uint64_t watchdog_us_ = 0;
  bool notices_withheld_ = false;
};

}  // namespace cr::crd
