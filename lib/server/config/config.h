// SPDX-License-Identifier: MIT
// Config: everything crd.toml can say, with its defaults. Usable without any file. Plain value, any thread.
// An unknown or duplicate key and a bad value are `invalid`: "crd.toml:12: unknown key 'lisen'", hint "did you mean
// 'listen'?".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "http/message/head.h"
#include "http/tls/tls_server.h"
#include "relay/policy/settings.h"
#include "token/key.h"

namespace cr::server::config {

struct ListenAddress {
  std::string host;  // an address, without brackets
  std::uint16_t port = 0;
  std::string to_string() const;  // "127.0.0.1:8787", "[::1]:8787"
  bool operator==(const ListenAddress&) const = default;
};

struct Limits {
  std::int64_t connections_max = 10'000;
  std::int64_t connections_per_address_max = 0;  // 0: half of them
  std::int64_t requests_per_connection_max = 10'000;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds stall_timeout{60'000};
  http::message::HeadLimits head;
};

struct Config {
  std::vector<ListenAddress> listen{{"127.0.0.1", 8787}};
  bool listen_given = false;  // by the file: not the default
  std::string state_dir;
  std::optional<std::string>
      store_head;            // where the store's head is kept; empty = nowhere; none until the end of reading
  bool accept_loss = false;  // crd --accept-loss; no key of the file
  std::string admin_socket;
  std::int64_t workers = 0;                  // 0 = one a core
  std::vector<std::string> trusted_proxies;  // as typed; relay.trusted_proxies is the compiled set
  std::chrono::milliseconds drain_timeout{30'000};
  http::tls::ServerTlsFiles tls;  // of all public listeners; empty = they are plain
  Limits limits;
  relay::policy::Settings relay;  // on_client_gone, trusted_proxies, [limits] of bodies, [relay], [log] requests
  std::vector<ListenAddress> dns_servers;  // none = the system's
  std::string ca_file;                     // certificates to trust for upstreams beside the system's; empty = none
  std::optional<std::chrono::milliseconds> default_expiry;  // of new tokens; none = never
  std::optional<std::chrono::milliseconds> retention{
      std::chrono::hours(24 * 90)};  // of requests' rows; none = for good
  std::string key_prefix{token::k_default_key_prefix};
  base::LogLevel log_level = base::LogLevel::info;
  std::optional<base::LogFormat> log_format;  // none = by what stderr is
};

// What the default directories depend on.
struct Surroundings {
  bool is_root = false;
  std::string state_directory, runtime_directory;  // systemd's
  std::string xdg_state_home, home;
  std::optional<std::uint64_t> memory_max{};  // the cgroup's; none = no limit
  static Surroundings of_process();
};

base::Result<Config> parse_config(std::string_view text, std::string_view file_name,
                                  const Surroundings& around = Surroundings::of_process());
// A regular file of at most 1 MiB.
base::Result<Config> load_config(const std::string& path, const Surroundings& around = Surroundings::of_process());

// `refused`, naming them, if keys differ that only a restart can change; else everything may be taken over.
base::Result<void> check_reload(const Config& running, const Config& wanted);

// Every key and its value, a line each, in the file's form and order: "limits.connections_max = 10000".
std::string show_config(const Config& config);

}  // namespace cr::server::config
