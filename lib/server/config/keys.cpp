// SPDX-License-Identifier: MIT
#include "server/config/keys.h"

#include <algorithm>
#include <concepts>

#include "base/text.h"
#include "relay/policy/cors.h"

namespace cr::server::config {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using std::chrono::milliseconds;

constexpr std::int64_t k_second = 1000;
constexpr std::int64_t k_hour = 3600 * k_second;
constexpr std::int64_t k_day = 24 * k_hour;
constexpr std::int64_t k_kib = 1024;
constexpr std::int64_t k_mib = 1024 * k_kib;
constexpr std::int64_t k_gib = 1024 * k_mib;

// Each maker takes `at`: the place in the Config, as a function of it.
template <class At>
ConfigKey whole(std::string name, Reload reload, At at, Between range) {
  return {std::move(name), reload,
          [at, range](const ConfigValue& value, Config& config) -> Result<void> {
            const auto number = read_whole(value, range);
            if (!number) return tl::unexpected(number.error());
            at(config) = static_cast<std::remove_reference_t<decltype(at(config))>>(*number);
            return {};
          },
          [at](const Config& config) { return std::to_string(at(config)); }};
}

template <class At>
ConfigKey bytes(std::string name, Reload reload, At at, Between range) {
  return {std::move(name), reload,
          [at, range](const ConfigValue& value, Config& config) -> Result<void> {
            const auto number = read_bytes(value, range);
            if (!number) return tl::unexpected(number.error());
            at(config) = static_cast<std::remove_reference_t<decltype(at(config))>>(*number);
            return {};
          },
          [at](const Config& config) { return show_text(show_bytes(static_cast<std::int64_t>(at(config)))); }};
}

std::string show_duration(milliseconds duration) {
  return show_text(duration.count() % k_second == 0 ? std::to_string(duration.count() / k_second) + "s"
                                                    : std::to_string(duration.count()) + "ms");
}

template <class At>
ConfigKey duration(std::string name, At at, Between range_ms) {
  return {std::move(name), Reload::live,
          [at, range_ms](const ConfigValue& value, Config& config) -> Result<void> {
            const auto length = read_duration(value, range_ms);
            if (!length) return tl::unexpected(length.error());
            at(config) = *length;
            return {};
          },
          [at](const Config& config) { return show_duration(at(config)); }};
}

template <class At>
ConfigKey path(std::string name, At at) {
  return {std::move(name), Reload::restart,
          [at](const ConfigValue& value, Config& config) -> Result<void> {
            auto text = read_path(value);
            if (!text) return tl::unexpected(text.error());
            at(config) = std::move(*text);
            return {};
          },
          [at](const Config& config) { return show_text(at(config)); }};
}

template <class T>
struct Word {
  std::string_view word;
  T value;
};

template <class T, class At>
ConfigKey word(std::string name, Reload reload, std::vector<Word<T>> words, At at) {
  return {std::move(name), reload,
          [at, words](const ConfigValue& value, Config& config) -> Result<void> {
            std::string all;
            for (const auto& known : words) {
              if (value.kind == ConfigValue::Kind::text && value.text == known.word) {
                at(config) = known.value;
                return {};
              }
              all += (all.empty() ? "" : ", ") + show_text(known.word);
            }
            return fail(ErrorCode::invalid, "expected one of " + all);
          },
          [at, words](const Config& config) {
            for (const auto& known : words) {
              if (at(config) == known.value) return show_text(known.word);
            }
            return show_text("");
          }};
}

ConfigKey listen_key() {
  constexpr std::size_t k_addresses_max = 64;
  return {"listen", Reload::restart,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            const auto texts = read_texts(value);
            if (!texts) return tl::unexpected(texts.error());
            if (texts->empty()) return fail(ErrorCode::invalid, "expected one address at least");
            if (texts->size() > k_addresses_max) return fail(ErrorCode::invalid, "expected 64 addresses at most");
            std::vector<ListenAddress> addresses;
            for (const auto& text : *texts) {
              auto address = read_address(text);
              if (!address) return tl::unexpected(address.error());
              const bool again = std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
              if (again && address->port != 0)
                return fail(ErrorCode::invalid, address->to_string() + " is there twice");
              addresses.push_back(std::move(*address));
            }
            config.listen = std::move(addresses);
            config.listen_given = true;
            return {};
          },
          [](const Config& config) {
            std::vector<std::string> texts;
            for (const auto& address : config.listen) texts.push_back(address.to_string());
            return show_texts(texts);
          }};
}

ConfigKey admin_socket_key() {
  auto key = path(
      "admin_socket", [](auto& config) -> auto& { return config.admin_socket; });
  key.read = [read = key.read](const ConfigValue& value, Config& config) -> Result<void> {
    if (value.text.size() > k_socket_path_bytes_max) {
      return fail(ErrorCode::invalid, "expected a path of at most 107 bytes", "a socket's path has no more room");
    }
    return read(value, config);
  };
  return key;
}

ConfigKey trusted_proxies_key() {
  return {"trusted_proxies", Reload::live,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            auto texts = read_texts(value);
            if (!texts) return tl::unexpected(texts.error());
            token::IpSet set;
            if (!texts->empty()) {
              auto parsed = token::IpSet::parse(*texts);
              if (!parsed) return tl::unexpected(parsed.error());
              if (parsed->covers_ipv4()) {
                return fail(ErrorCode::invalid, "holds every IPv4 address: every client could say where it comes from",
                            "name the proxies' own addresses or networks");
              }
              set = std::move(*parsed);
            }
            config.relay.trust_proxies = !texts->empty();
            config.relay.trusted_proxies = std::move(set);
            config.trusted_proxies = std::move(*texts);
            return {};
          },
          [](const Config& config) { return show_texts(config.trusted_proxies); }};
}

// A duration, or a word for none.
template <class At>
ConfigKey duration_or(std::string name, Reload reload, const std::string& none, Between range_ms, At at) {
  return {std::move(name), reload,
          [none, range_ms, at](const ConfigValue& value, Config& config) -> Result<void> {
            at(config).reset();
            if (value.kind == ConfigValue::Kind::text && value.text == none) return {};
            const auto length = read_duration(value, range_ms);
            if (!length) {
              return fail(length.error().code, length.error().message + ", or " + show_text(none), length.error().hint);
            }
            at(config) = *length;
            return {};
          },
          [none, at](const Config& config) { return at(config) ? show_duration(*at(config)) : show_text(none); }};
}

ConfigKey key_prefix_key() {
  constexpr std::size_t k_prefix_bytes_max = 16;
  return {"tokens.key_prefix", Reload::restart,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            const auto is_letter = [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
            };
            if (value.kind != ConfigValue::Kind::text || value.text.empty() || value.text.size() > k_prefix_bytes_max ||
                !std::all_of(value.text.begin(), value.text.end(), is_letter)) {
              return fail(ErrorCode::invalid, "expected 1 to 16 letters, digits, '-' or '_'", "for example \"sk-cr-\"");
            }
            config.key_prefix = value.text;
            return {};
          },
          [](const Config& config) { return show_text(config.key_prefix); }};
}

ConfigKey dns_servers_key() {
  constexpr std::size_t k_servers_max = 8;
  return {"relay.dns_servers", Reload::restart,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            const auto texts = read_texts(value);
            if (!texts) return tl::unexpected(texts.error());
            if (texts->size() > k_servers_max) return fail(ErrorCode::invalid, "expected 8 servers at most");
            std::vector<ListenAddress> servers;
            for (const auto& text : *texts) {
              auto server = read_address(text);
              if (!server || server->port == 0) {
                return fail(ErrorCode::invalid, "expected an address and a port, not " + show_text(text),
                            "for example \"127.0.0.1:53\" or \"[::1]:53\"");
              }
              servers.push_back(std::move(*server));
            }
            config.dns_servers = std::move(servers);
            return {};
          },
          [](const Config& config) {
            std::vector<std::string> texts;
            for (const auto& server : config.dns_servers) texts.push_back(server.to_string());
            return show_texts(texts);
          }};
}

// A path, or nothing: "".
template <class At>
ConfigKey path_or_empty(std::string name, Reload reload, At at) {
  auto key = path(std::move(name), at);
  key.reload = reload;
  key.read = [at, read = key.read](const ConfigValue& value, Config& config) -> Result<void> {
    if (value.kind != ConfigValue::Kind::text || !value.text.empty()) return read(value, config);
    at(config).clear();
    return {};
  };
  return key;
}

ConfigKey head_key() {
  return {"store.head", Reload::restart,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            if (value.kind == ConfigValue::Kind::text && value.text.empty()) {
              config.store_head = "";
              return {};
            }
            auto text = read_path(value);
            if (!text) return tl::unexpected(text.error());
            config.store_head = std::move(*text);
            return {};
          },
          [](const Config& config) { return show_text(config.store_head.value_or("")); }};
}

std::vector<ConfigKey> tls_keys() {
  return {path_or_empty(
              "tls.cert", Reload::live, [](auto& config) -> auto& { return config.tls.cert; }),
          path_or_empty(
              "tls.key", Reload::live, [](auto& config) -> auto& { return config.tls.key; })};
}

ConfigKey origins_key() {
  constexpr std::size_t k_origins_max = 100;
  return {"cors.allow_origins", Reload::live,
          [](const ConfigValue& value, Config& config) -> Result<void> {
            auto texts = read_texts(value);
            if (!texts) return tl::unexpected(texts.error());
            if (texts->size() > k_origins_max) return fail(ErrorCode::invalid, "expected 100 origins at most");
            for (const auto& text : *texts) {
              if (auto done = relay::policy::check_origin(text); !done) return done;
            }
            config.relay.cors_origins = std::move(*texts);
            return {};
          },
          [](const Config& config) { return show_texts(config.relay.cors_origins); }};
}

std::vector<ConfigKey> top_keys() {
  using relay::policy::ClientHalfClose;
  using relay::policy::OnClientGone;
  return {listen_key(),
          path(
              "state_dir", [](auto& config) -> auto& { return config.state_dir; }),
          admin_socket_key(),
          whole("workers", Reload::restart, [](auto& config) -> auto& { return config.workers; }, {0, 1024}),
          trusted_proxies_key(),
          word<OnClientGone>(
              "on_client_gone", Reload::live, {{"cancel", OnClientGone::cancel}, {"drain", OnClientGone::drain}},
              [](auto& config) -> auto& { return config.relay.on_client_gone; }),
          word<ClientHalfClose>(
              "client_half_close", Reload::live, {{"abort", ClientHalfClose::abort}, {"wait", ClientHalfClose::wait}},
              [](auto& config) -> auto& { return config.relay.client_half_close; }),
          duration("drain_timeout", [](auto& config) -> auto& { return config.drain_timeout; }, {0, k_hour})};
}

std::vector<ConfigKey> limit_keys() {
  constexpr Between k_timeout{100, k_day};
  const auto live = Reload::live;
  return {
      bytes("limits.memory", live, [](auto& c) -> auto& { return c.relay.memory; }, {16 * k_mib, 1024 * k_gib}),
      bytes("limits.body_bytes_max", live, [](auto& c) -> auto& { return c.relay.body_bytes_max; }, {k_kib, k_gib}),
      bytes("limits.upload_bytes_max", live, [](auto& c) -> auto& { return c.relay.upload_bytes_max; },
            {k_kib, 1024 * k_gib}),
      bytes("limits.event_bytes_max", live, [](auto& c) -> auto& { return c.relay.event_bytes_max; },
            {64 * k_kib, k_gib}),
      whole("limits.connections_max", live, [](auto& c) -> auto& { return c.limits.connections_max; }, {1, 1'000'000}),
      whole("limits.connections_per_address_max", live,
            [](auto& c) -> auto& { return c.limits.connections_per_address_max; }, {0, 1'000'000}),
      whole("limits.requests_per_connection_max", live,
            [](auto& c) -> auto& { return c.limits.requests_per_connection_max; }, {1, 1'000'000'000}),
      duration(
          "limits.head_timeout", [](auto& c) -> auto& { return c.limits.head_timeout; }, k_timeout),
      duration(
          "limits.body_timeout", [](auto& c) -> auto& { return c.limits.body_timeout; }, k_timeout),
      duration(
          "limits.idle_timeout", [](auto& c) -> auto& { return c.limits.idle_timeout; }, k_timeout),
      duration(
          "limits.stall_timeout", [](auto& c) -> auto& { return c.limits.stall_timeout; }, k_timeout),
      duration("limits.ledger_timeout", [](auto& c) -> auto& { return c.relay.ledger_timeout; }, {100, 60 * k_second}),
      whole("limits.refusals_per_second", live, [](auto& c) -> auto& { return c.relay.refusals_per_second; },
            {0, 1'000'000}),
      bytes("limits.request_line_bytes_max", live,
            [](auto& c) -> auto& { return c.limits.head.request_line_bytes_max; }, {256, k_mib}),
      bytes("limits.field_bytes_max", live, [](auto& c) -> auto& { return c.limits.head.field_bytes_max; },
            {256, k_mib}),
      bytes("limits.head_bytes_max", live, [](auto& c) -> auto& { return c.limits.head.head_bytes_max; },
            {k_kib, 16 * k_mib}),
      whole("limits.fields_max", live, [](auto& c) -> auto& { return c.limits.head.fields_max; }, {8, 10'000}),
      whole("limits.upstream_idle_connections_max", live,
            [](auto& c) -> auto& { return c.relay.upstream_idle_connections_max; }, {0, 100'000}),
  };
}

std::vector<ConfigKey> token_keys() {
  return {
      duration_or(
          "tokens.default_expiry", Reload::restart, "never", {60 * k_second, 36'500 * k_day},
          [](auto& config) -> auto& { return config.default_expiry; }),
      key_prefix_key(),
      whole("tokens.default_output_tokens", Reload::live,
            [](auto& c) -> auto& { return c.relay.credit.default_output_tokens; }, {1, 100'000'000}),
      whole("tokens.clamp_floor", Reload::live, [](auto& c) -> auto& { return c.relay.credit.clamp_floor; },
            {1, 1'000'000}),
      duration("tokens.credit_wait", [](auto& c) -> auto& { return c.relay.credit.credit_wait; }, {0, 600 * k_second}),
  };
}

std::vector<ConfigKey> other_keys() {
  using base::LogFormat;
  using base::LogLevel;
  using relay::policy::LogRequests;
  using MaybeFormat = std::optional<LogFormat>;
  return {
      duration_or(
          "usage.retention", Reload::live, "forever", {k_day, 36'500 * k_day},
          [](auto& config) -> auto& { return config.retention; }),
      whole("relay.tries_max", Reload::live, [](auto& c) -> auto& { return c.relay.tries_max; }, {1, 100}),
      duration("relay.total_timeout", [](auto& c) -> auto& { return c.relay.total_timeout; }, {k_second, k_day}),
      duration("relay.drain_answer_timeout", [](auto& c) -> auto& { return c.relay.drain_answer_timeout; },
               {0, k_hour}),
      duration("relay.comment_interval", [](auto& c) -> auto& { return c.relay.comment_interval; }, {k_second, k_hour}),
      whole("relay.failures_in_a_row", Reload::live, [](auto& c) -> auto& { return c.relay.health.failures_in_a_row; },
            {1, 10'000}),
      whole("relay.failures_percent", Reload::live, [](auto& c) -> auto& { return c.relay.health.failures_percent; },
            {1, 100}),
      duration("relay.cool_down_first", [](auto& c) -> auto& { return c.relay.health.cool_down_first; }, {100, k_hour}),
      duration("relay.cool_down_max", [](auto& c) -> auto& { return c.relay.health.cool_down_max; }, {100, k_day}),
      path_or_empty(
          "relay.ca_file", Reload::restart, [](auto& config) -> auto& { return config.ca_file; }),
      dns_servers_key(),
      word<LogLevel>(
          "log.level", Reload::live,
          {{"debug", LogLevel::debug},
           {"info", LogLevel::info},
           {"warning", LogLevel::warning},
           {"error", LogLevel::error}},
          [](auto& c) -> auto& { return c.log_level; }),
      word<MaybeFormat>(
          "log.format", Reload::restart,
          {{"auto", std::nullopt},
           {"text", LogFormat::text},
           {"json", LogFormat::json},
           {"journald", LogFormat::journald}},
          [](auto& c) -> auto& { return c.log_format; }),
      word<LogRequests>(
          "log.requests", Reload::live,
          {{"errors", LogRequests::errors}, {"all", LogRequests::all}, {"none", LogRequests::none}},
          [](auto& c) -> auto& { return c.relay.log_requests; }),
  };
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = [] {
    auto all = top_keys();
    all.push_back(head_key());
    for (auto& key : tls_keys()) all.push_back(std::move(key));
    all.push_back(origins_key());
    for (auto& key : limit_keys()) all.push_back(std::move(key));
    for (auto& key : token_keys()) all.push_back(std::move(key));
    for (auto& key : other_keys()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

const ConfigKey* find_config_key(std::string_view name) {
  const auto& keys = config_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

bool is_config_table(std::string_view name) {
  const auto prefix = std::string(name) + ".";
  return std::any_of(config_keys().begin(), config_keys().end(),
                     [&](const ConfigKey& key) { return key.name.starts_with(prefix); });
}

std::string hint_for_unknown_key(std::string_view name) {
  if (name == "limits.body_bytes_total_max")
    return "it is now 'limits.memory', which counts answers too: see crd.toml(5)";
  std::vector<std::string> names;
  for (const auto& key : config_keys()) {
    if (last_part(key.name) == last_part(name)) return "did you mean '" + key.name + "'?";
    names.push_back(key.name);
    const auto dot = key.name.find('.');
    if (dot != std::string::npos) names.push_back(key.name.substr(0, dot));
  }
  const auto close = base::nearest(name, names);
  return close ? "did you mean '" + *close + "'?" : std::string();
}

}  // namespace cr::server::config
