// SPDX-License-Identifier: MIT
// Daemon, what the admin server asks of it. Admin threads.
#include <unistd.h>

#include <algorithm>

#include "base/hide_keys.h"
#include "daemon.h"
#include "ledger/core/shipped_prices.h"
#include "preflight.h"

namespace cr::crd {

namespace {

std::string with_hint(const base::Error& error) {
  return base::hide_keys(error.message + (error.hint.empty() ? "" : ": " + error.hint));
}

std::string warnings_of(const std::shared_ptr<const http::tls::TlsServer>& tls) {
  std::string text;
  if (!tls) return text;
  for (const auto& warning : tls->warnings()) text += "; but " + warning;
  return text;
}

// Below two seconds it is as usual: the head is raised once a second, and written then.
std::string text_of(const ledger::Ledger::HeadState& head) {
  if (head.path.empty()) return "none";
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(head.behind).count();
  if (seconds < 2) return head.path + ": up to date";
  const std::string why = head.trouble.empty() ? "its disk does not answer" : head.trouble;
  return head.path + ": not written for " + std::to_string(seconds) + " s: " + why;
}

}  // namespace

admin::Status Daemon::status() const {
  const base::MutexLock lock(config_mutex_);
  const auto counters = ledger_->counters();
  admin::Status status;
  status.version = CR_VERSION;
  status.pid = ::getpid();
  status.started_at = started_at_;
  status.state = shared_->draining ? "draining" : "running";
  status.listen = bound_;
  status.admin_socket = config_.admin_socket;
  status.state_dir = config_.state_dir;
  status.config_file = config_file_;
  status.workers = static_cast<std::int64_t>(workers_.size());
  status.connections = listeners_.connections.load();
  status.requests_running = shared_->requests_running.load();
  status.requests_total = static_cast<std::int64_t>(shared_->requests_total.load());
  status.log_lines_dropped = static_cast<std::int64_t>(log_.dropped());
  status.ledger = ledger_->condition(config_.relay.ledger_timeout);
  status.ledger_commits = static_cast<std::int64_t>(counters.commits);
  status.ledger_queue = static_cast<std::int64_t>(counters.waiting);
  status.ledger_backlog = static_cast<std::int64_t>(counters.backlog);
  status.head = text_of(ledger_->head());
  status.price_list = ledger::shipped_prices_date();
  status.certificate_expires = certificate_expires_;
  status.overrun = counters.overrun;
  status.memory_used = static_cast<std::int64_t>(shared_->memory.used());
  status.memory_limit = static_cast<std::int64_t>(shared_->memory.total());
  return status;
}

std::string Daemon::metrics() const {
  const auto counters = ledger_->counters();
  std::string out = shared_->metrics.text();
  const auto one = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
    relay::request::append_metric(out, name, type, help);
    relay::request::append_value(out, name, {}, value);
  };
  one("crd_requests_running", "gauge", "Requests that run now.",
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, shared_->requests_running.load())));
  one("crd_connections", "gauge", "Connections of clients.",
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, listeners_.connections.load())));
  one("crd_memory_bytes", "gauge", "Bytes of requests and answers held, those over 64 KiB.", shared_->memory.used());
  one("crd_memory_limit_bytes", "gauge", "How many may be held: limits.memory.", shared_->memory.total());
  one("crd_unfinished_bytes", "gauge", "Bytes of heads and small bodies that have not come whole.",
      shared_->unfinished.used());
  one("crd_unfinished_refused_total", "counter", "Requests refused for want of memory for them.",
      shared_->unfinished.refused());
  one("crd_memory_refused_total", "counter", "Times that a request was refused for want of memory.",
      shared_->memory.refused());
  one("crd_memory_waits_total", "counter", "Times that the reading of an answer paused for want of memory.",
      shared_->memory.waited());
  one("crd_connections_refused_total", "counter", "Connections over the limit.", listeners_.connections_refused.load());
  one("crd_tls_handshakes_failed_total", "counter", "Clients that could not agree on TLS, or did not speak it.",
      listeners_.handshakes_failed.load());
  one("crd_ledger_commits_total", "counter", "Transactions of the ledger.", counters.commits);
  one("crd_ledger_failed_commits_total", "counter", "Transactions that could not be committed.",
      counters.failed_commits);
  one("crd_ledger_reservations_total", "counter", "Reservations made.", counters.reservations);
  one("crd_ledger_settlements_total", "counter", "Requests settled.", counters.settlements);
  one("crd_ledger_waiting", "gauge", "Reservations that wait for their commit.", counters.waiting);
  one("crd_ledger_backlog", "gauge", "Settlements that wait for their commit.", counters.backlog);
  one("crd_ledger_ready", "gauge", "1 if new requests can be recorded, 0 if the store cannot commit or hangs.",
      ledger_->admits(ledger_timeout()) ? 1 : 0);
  one("crd_ledger_recovered_total", "counter", "Requests found open at this start: posted, in doubt.",
      counters.recovered);
  const auto head = ledger_->head();
  if (!head.path.empty()) {
    one("crd_store_head_behind_seconds", "gauge", "For how long the store's head has not told of its newest commits.",
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(head.behind).count()));
  }
  relay::request::append_metric(out, "crd_overrun_dollars_total", "counter",
                                "Cost above what was reserved: should be 0.");
  out.append("crd_overrun_dollars_total ").append(counters.overrun.to_decimal()).append("\n");
  append_channels(out);
  one("crd_log_lines_dropped_total", "counter", "Log lines dropped because nobody took them.", log_.dropped());
  return out;
}

// A channel's name is letters, digits and ".-_": no label value needs escaping.
void Daemon::append_channels(std::string& out) const {
  const auto directory = ledger_->directory().get();
  const auto now = base::steady_now();
  const auto each = [&](std::string_view name, std::string_view help, auto value_of) {
    relay::request::append_metric(out, name, "gauge", help);
    for (const auto& channel : directory->channels()) {
      relay::request::append_value(out, name, "channel=\"" + channel->name + "\"",
                                   static_cast<std::uint64_t>(value_of(*channel, shared_->health.view(*channel, now))));
    }
  };
  each("crd_channel_up", "1 if requests are sent to the channel, 0 if it is disabled or set aside.",
       [](const ledger::ChannelRecord& channel, const relay::routing::BreakerView& view) {
         const bool sends = view.state == relay::routing::Availability::State::ready ||
                            view.state == relay::routing::Availability::State::due;
         return channel.enabled == ledger::Switch::on && sends ? 1 : 0;
       });
  each("crd_channel_keys_refused", "Keys of the channel that its provider refuses.",
       [](const ledger::ChannelRecord&, const relay::routing::BreakerView& view) { return view.keys_aside; });
  each("crd_channel_keys_without_credit", "Keys of the channel whose account at the provider has no credit left.",
       [](const ledger::ChannelRecord&, const relay::routing::BreakerView& view) { return view.keys_without_credit; });
  each("crd_channel_recent_error_percent", "Share of the channel's last requests (256 at most) that failed.",
       [](const ledger::ChannelRecord&, const relay::routing::BreakerView& view) {
         return view.recent.error_percent.value_or(0);
       });
}

admin::ConfigChecked Daemon::check_config(const std::string& text, const std::string& name) const {
  const bool own = text.empty();
  if (own && config_file_.empty()) return {true, "crd runs without a configuration file, on its defaults"};
  auto config = own ? server::config::load_config(config_file_) : server::config::parse_config(text, name);
  if (!config) return {false, with_hint(config.error())};
  const auto tls = load_tls(*config);
  if (!tls) return {false, with_hint(tls.error())};
  return {true, (own ? config_file_ : name) + ": ok" + warnings_of(*tls)};
}

base::Result<void> Daemon::take_certificates(const http::tls::TlsFiles& files, ledger::Ledger::DryRun dry_run) {
  auto context = tls_->read(files);
  if (!context) return tl::unexpected(context.error());
  if (dry_run == ledger::Ledger::DryRun::no) tls_->put(files, std::move(context));
  return {};
}

// The workers take up certificates with it, too.
void Daemon::use_settings() {
  const auto settings = std::make_shared<const relay::policy::Settings>(config_.relay);
  const auto& limits = config_.limits;
  const auto connection = connection_limits(config_);
  const auto descriptors = plan_descriptors(config_);
  if (!descriptors.warning.empty()) log_.warning(descriptors.warning);
  listeners_.use_limits(descriptors.connections_max, limits.connections_per_address_max);
  listeners_.requests_per_connection_max = static_cast<std::uint64_t>(limits.requests_per_connection_max);
  for (auto& worker : workers_) worker->use(settings, connection);
  shared_->health.use(config_.relay.health);
  shared_->memory.use(config_.relay.memory_limits());
  shared_->unfinished.use(config_.relay.unfinished_limits());
}

admin::ConfigChecked Daemon::reload() {
  const base::MutexLock lock(config_mutex_);
  const auto certificates = read_certificates();
  if (config_file_.empty()) {
    use_settings();
    return {false, "crd was started without --config: there is no file to read again"};
  }
  auto wanted = server::config::load_config(config_file_);
  if (wanted) {
    if (auto possible = server::config::check_reload(config_, *wanted); !possible)
      wanted = tl::unexpected(possible.error());
  }
  std::shared_ptr<const http::tls::TlsServer> tls;
  if (wanted) {
    if (auto loaded = load_tls(*wanted); loaded) {
      tls = *loaded;
    } else {
      wanted = tl::unexpected(loaded.error());
    }
  }
  if (!wanted) {
    const auto why = with_hint(wanted.error());
    log_.error("configuration not reloaded", {{"reason", why}});
    return {false, why};
  }
  config_ = std::move(*wanted);
  use_settings();
  use_tls(tls);
  ledger_->keep_requests(config_.retention.value_or(std::chrono::milliseconds(0)));
  log_.set_level(config_.log_level);
  log_.info("configuration reloaded", {{"file", config_file_}});
  if (!certificates) return {false, config_file_ + ": reloaded, but " + certificates.error().message};
  return {true, config_file_ + ": reloaded" + warnings_of(tls)};
}

}  // namespace cr::crd
