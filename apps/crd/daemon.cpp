// SPDX-License-Identifier: MIT
#include "daemon.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "base/boot.h"
#include "base/freed_memory.h"
#include "base/text.h"
#include "finish_guard.h"
#include "master_key.h"
#include "preflight.h"
#include "process.h"

namespace cr::crd {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds k_tick{500};
constexpr std::chrono::milliseconds k_drain_tick{20};
constexpr std::chrono::seconds k_after_cut{5};
constexpr std::chrono::seconds k_admin_wait{5};  // less than crctl's own 10 s: it gets to know why

base::Log::Options log_options(const server::config::Config& config) {
  base::Log::Options options;
  options.level = config.log_level;
  options.format = config.log_format.value_or(base::Log::detect_format());
  return options;
}

int wait_for_signal(std::chrono::milliseconds timeout) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  const timespec wait{timeout.count() / 1000, (timeout.count() % 1000) * 1'000'000};
  return ::sigtimedwait(&signals, nullptr, &wait);
}

}  // namespace

std::shared_ptr<const http::server::ConnectionLimits> connection_limits(const server::config::Config& config) {
  const auto& limits = config.limits;
  http::server::ConnectionLimits connection;
  connection.head = limits.head;
  connection.head_timeout = limits.head_timeout;
  connection.body_timeout = limits.body_timeout;
  connection.idle_timeout = limits.idle_timeout;
  connection.stall_timeout = limits.stall_timeout;
  // Twice, so that a body that is somewhat too large is drained: those are what most 413 are about.
  connection.drain_bytes_max = 2 * config.relay.body_bytes_max;
  return std::make_shared<const http::server::ConnectionLimits>(connection);
}

Daemon::Daemon(server::config::Config config, std::string config_file)
    : config_(std::move(config)),
      config_file_(std::move(config_file)),
      started_at_(base::wall_now()),
      clock_watch_(started_at_, base::boot_ms()),
      log_(log_options(config_)) {
  listeners_.use_limits(plan_descriptors(config_).connections_max, config_.limits.connections_per_address_max);
  listeners_.requests_per_connection_max = static_cast<std::uint64_t>(config_.limits.requests_per_connection_max);
}

Daemon::~Daemon() {
  finish();
}

base::Result<std::unique_ptr<Daemon>> Daemon::start(server::config::Config config, std::string config_file,
                                                    const std::vector<server::listener::PassedSocket>& passed) {
  const auto plan = server::listener::plan_listeners(config, passed);
  if (!plan) return tl::unexpected(plan.error());
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(config), std::move(config_file)));
  // Let go of before the daemon ends, where something fails. An admin thread waits for all that follows.
  const base::MutexLock lock(daemon->config_mutex_);
  if (auto made = make_private_directory(daemon->config_.state_dir); !made) return tl::unexpected(made.error());
  auto tls = http::tls::TlsContexts::make(daemon->config_.ca_file);
  if (!tls) return tl::unexpected(tls.error());
  daemon->tls_ = std::move(*tls);
  std::vector<std::string> dns_servers;
  for (const auto& server : daemon->config_.dns_servers) dns_servers.push_back(server.to_string());
  auto names = http::dns::DnsResolver::start(std::move(dns_servers));
  if (!names) return tl::unexpected(names.error());
  daemon->names_ = std::move(*names);
  const auto server_tls = load_tls(daemon->config_);
  if (!server_tls) return tl::unexpected(server_tls.error());
  // The port first: a second crd by mistake must not touch the store's lock and complain about that instead.
  for (const auto& address : plan->binds) {
    if (auto free = server::listener::check_address_is_free(address.host, address.port); !free)
      return tl::unexpected(free.error());
  }
  if (auto opened = daemon->open_ledger(); !opened) return tl::unexpected(opened.error());
  if (auto opened = daemon->open_listeners(*plan); !opened) return tl::unexpected(opened.error());
  if (auto opened = daemon->open_admin(plan->admin_socket); !opened) return tl::unexpected(opened.error());
  daemon->use_tls(*server_tls);
  for (const auto& warning : warnings_at_start(daemon->config_, daemon->config_file_)) daemon->log_.warning(warning);
  for (auto& worker : daemon->workers_) worker->start();
  for (const auto& address : daemon->bound_) daemon->log_.info("listening", {{"address", address}});
  daemon->log_.info("ready", {{"version", CR_VERSION}, {"admin_socket", daemon->config_.admin_socket}});
  daemon->watchdog_us_ = watchdog_interval_us();
  notify_manager("READY=1\nSTATUS=Serving");
  return daemon;
}

base::Result<std::shared_ptr<const http::tls::TlsServer>> Daemon::load_tls(const server::config::Config& config) {
  if (config.tls.empty()) return nullptr;
  return http::tls::TlsServer::load(config.tls, base::wall_now());
}

void Daemon::use_tls(const std::shared_ptr<const http::tls::TlsServer>& tls) {
  if (!tls) return;
  certificate_expires_ = tls->expires();
  for (auto& worker : workers_) worker->use_tls(tls);
  log_.info("certificate",
            {{"file", config_.tls.cert}, {"names", tls->names()}, {"expires", base::format_rfc3339(tls->expires())}});
  for (const auto& warning : tls->warnings()) log_.warning(warning);
}

base::Result<void> Daemon::open_ledger() {
  const auto path = config_.state_dir + std::string(k_store_file);
  auto master = load_master_key(config_.state_dir, path, config_.accept_loss ? "" : *config_.store_head);
  if (!master) return tl::unexpected(master.error());
  auto vault = token::Vault::make(*master);
  if (!vault) return tl::unexpected(vault.error());
  // The workers' before the workers: the ledger is told where to deliver, and the workers are given the ledger.
  std::vector<std::unique_ptr<http::EventLoop>> loops;
  std::vector<std::shared_ptr<relay::request::LedgerInbox>> inboxes;
  std::vector<ledger::Ledger::Recipient> workers;
  for (std::size_t i = 0; i < worker_count(config_); ++i) {
    loops.push_back(std::make_unique<http::EventLoop>());
    inboxes.push_back(std::make_shared<relay::request::LedgerInbox>(*loops.back()));
    workers.push_back({[inbox = inboxes.back()](ledger::ReserveOp* reserves, ledger::QueryOp* queries) {
      inbox->deliver(reserves, queries);
    }});
  }
  ledger::Ledger::Options options;
  options.path = path;
  options.head = *config_.store_head;
  options.accept_loss = config_.accept_loss;
  options.key_prefix = config_.key_prefix;
  options.default_expiry = config_.default_expiry;
  options.retention = config_.retention.value_or(std::chrono::milliseconds(0));
  options.admin_timeout = k_admin_wait;
  options.on_fatal = [this] { store_failed_ = true; };
  auto ledger = ledger::Ledger::open(std::move(options), std::move(*vault), std::move(workers), log_);
  if (!ledger) return tl::unexpected(ledger.error());
  ledger_ = std::move(*ledger);
  (void)read_certificates();
  shared_.reset(new relay::request::Shared{*ledger_, log_, *tls_, *names_});
  shared_->health.use(config_.relay.health);
  shared_->memory.use(config_.relay.memory_limits());
  shared_->unfinished.use(config_.relay.unfinished_limits());
  const auto settings = std::make_shared<const relay::policy::Settings>(config_.relay);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    workers_.push_back(std::make_unique<server::listener::Worker>(std::move(loops[i]), inboxes[i],
                                                                  static_cast<std::uint32_t>(i), *shared_, listeners_,
                                                                  settings, connection_limits(config_)));
  }
  return {};
}

std::chrono::milliseconds Daemon::ledger_timeout() const {
  const base::MutexLock lock(config_mutex_);
  return config_.relay.ledger_timeout;
}

// A channel whose files are bad is unreachable, and the others serve all the same; files that have gone bad leave what
// was read of them before in use. The error tells of the first.
base::Result<void> Daemon::read_certificates() {
  base::Result<void> done;
  const auto directory = ledger_->directory().get();
  for (const auto& channel : directory->channels()) {
    const auto files = relay::request::tls_files(*channel);
    if (files.empty()) continue;
    auto context = tls_->read(files);
    const bool keeps_old = !context && tls_->look_up(files);
    if (!context) {
      log_.error(keeps_old ? "certificate files not read again" : "channel cannot be reached",
                 {{"channel", channel->name}, {"reason", context.error().message}});
      if (done) {
        done = base::fail(context.error().code, "channel '" + channel->name + "': " + context.error().message,
                          context.error().hint);
      }
    }
    if (!keeps_old) tls_->put(files, std::move(context));
  }
  return done;
}

base::Result<void> Daemon::open_listeners(const server::listener::ListenPlan& plan) {
  for (const int socket : plan.public_sockets) {
    for (auto& worker : workers_) {
      if (auto adopted = worker->adopt(socket); !adopted) return adopted;
    }
  }
  for (const auto& address : plan.binds) {
    if (auto listening = listen_on(address); !listening) return listening;
  }
  const std::string scheme = config_.tls.empty() ? "" : "https://";
  for (const auto& endpoint : workers_.front()->bound()) {
    bound_.push_back(scheme +
                     server::config::ListenAddress{endpoint.address().to_string(), endpoint.port()}.to_string());
  }
  return {};
}

base::Result<void> Daemon::listen_on(const server::config::ListenAddress& address) {
  auto port = address.port;
  for (auto& worker : workers_) {
    if (auto listening = worker->listen(address.host, port); !listening) return listening;
    port = worker->bound().back().port();  // the first worker's free port is everybody's
  }
  return {};
}

base::Result<void> Daemon::open_admin(int passed_socket) {
  server::admin::AdminServer::Options options;
  options.socket_path = config_.admin_socket;
  options.passed_socket = passed_socket;
  server::admin::AdminServer::Hooks hooks;
  hooks.status = [this] { return status(); };
  hooks.metrics = [this] { return metrics(); };
  hooks.check_config = [this](const std::string& text, const std::string& name) { return check_config(text, name); };
  hooks.reload = [this] { return reload(); };
  hooks.test_channel = [this](const std::string& name, const admin::ChannelTestRequest& request) {
    return test_channel(name, request);
  };
  hooks.health = &shared_->health;
  hooks.learnt = &shared_->learnt;
  hooks.rates = &shared_->rates;
  hooks.least_costs = &shared_->least_costs;
  hooks.tries_max = [this] {
    const base::MutexLock lock(config_mutex_);
    return config_.relay.tries_max;
  };
  hooks.refusals_per_second = [this] {
    const base::MutexLock lock(config_mutex_);
    return config_.relay.refusals_per_second;
  };
  hooks.take_certificates = [this](const http::tls::TlsFiles& files, ledger::Ledger::DryRun dry_run) {
    return take_certificates(files, dry_run);
  };
  auto admin = server::admin::AdminServer::start(std::move(options), *ledger_, std::move(hooks), log_);
  if (!admin) return tl::unexpected(admin.error());
  admin_ = std::move(*admin);
  return {};
}

int Daemon::run() {
  bool cut = false;
  for (;;) {
    const bool draining = drain_until_ != base::SteadyTime::max();
    const int signal = wait_for_signal(draining ? k_drain_tick : k_tick);
    keep_watchdog_quiet();
    watch_clock();
    // The allocator gives back what was freed within seconds (allocator.cpp); after a peak it is told to at once.
    if (shared_->memory.take_trim_due()) base::return_freed_memory();
    if (signal == SIGHUP && !draining) reload();
    if (store_failed_) {
      log_.error("the store failed to sync: stopping, so that a restart can recover");
      break;
    }
    const bool again = draining && (signal == SIGTERM || signal == SIGINT);
    if (!draining && (signal == SIGTERM || signal == SIGINT)) begin_drain();
    if (draining && drained()) break;
    if (draining && !cut && (again || base::steady_now() >= drain_until_)) {
      cut = true;
      drain_until_ = base::steady_now() + k_after_cut;
      log_.warning("cutting what still runs", {{"requests", std::to_string(shared_->requests_running.load())}});
      for (auto& worker : workers_) worker->cut();
    } else if (draining && cut && base::steady_now() >= drain_until_) {
      break;
    }
  }
  finish();
  return store_failed_ ? 1 : 0;
}

// Expiries, the windows of budgets and the hours of reports go by the wall clock: whoever wonders about them finds
// this.
void Daemon::watch_clock() {
  const auto now = base::wall_now();
  const auto step = clock_watch_.look(now, base::boot_ms());
  if (!step) return;
  log_.warning("the clock was set",
               {{"from", base::format_rfc3339(now - *step)},
                {"to", base::format_rfc3339(now)},
                {"by", (*step < step->zero() ? "-" : "+") + base::format_duration(std::chrono::abs(*step))}});
}

void Daemon::begin_drain() {
  notify_manager("STOPPING=1\nSTATUS=Draining");
  shared_->draining = true;
  {
    const base::MutexLock lock(config_mutex_);
    drain_until_ = base::steady_now() + config_.drain_timeout;
  }
  log_.info("draining", {{"requests", std::to_string(shared_->requests_running.load())}});
  for (auto& worker : workers_) worker->drain();
}

bool Daemon::drained() const {
  return listeners_.accepting.load() == 0 && listeners_.connections.load() == 0 &&
         shared_->requests_running.load() == 0;
}

// Reverse of start(). What the requests under way refer to ends after them: threads first, then the coroutines that
// still wait, then the rest. The ledger goes last of what writes: it commits what the workers' last requests left.
void Daemon::finish() {
  if (!ledger_) return;  // nothing was started that would need an order
  const auto log = [this] {
    const base::MutexLock lock(config_mutex_);
    return log_options(config_);
  }();
  // Twice: who waits for the ledger gives up after one.
  FinishGuard guard(log, *ledger_, 2 * ledger_timeout());
  guard.step("the admin server");
  ledger_->stop_reads();
  admin_.reset();
  guard.step("a worker");
  for (auto& worker : workers_) worker->stop();
  guard.step("the resolver of names");
  names_.reset();  // it posts to the workers' loops
  for (auto& worker : workers_) worker->destroy_waiting();
  guard.step("the ledger");
  ledger_->close();
  guard.ledger_ended();
  workers_.clear();
  shared_.reset();
  ledger_.reset();
  log_.info("stopped");
}

// Once every notice the manager hears from us, unless a worker or the ledger thread does not answer: then it restarts
// the process when WatchdogSec is over.
void Daemon::keep_watchdog_quiet() {
  if (watchdog_us_ == 0 || base::steady_now() < next_notice_) return;
  const bool first = next_notice_ == base::SteadyTime();  // no worker was asked yet
  const std::chrono::microseconds interval(watchdog_us_);
  next_notice_ = base::steady_now() + interval;
  const bool workers_answer = beats_.exchange(0) >= workers_.size();
  const bool ledger_answers = ledger_->busy_for() < interval;
  if (workers_answer && ledger_answers) {
    notify_manager("WATCHDOG=1");
    notices_withheld_ = false;
  } else if (!first && !std::exchange(notices_withheld_, true)) {
    log_.error("the watchdog is not told that all is well",
               {{"reason", ledger_answers ? "a worker does not answer" : "the ledger thread does not answer"}});
  }
  for (auto& worker : workers_) worker->post([this](relay::request::WorkerContext&) { ++beats_; });
}

}  // namespace cr::crd
