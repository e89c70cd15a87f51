// SPDX-License-Identifier: MIT
// The keys of crd.toml: one row each, with how it is read, shown, and whether a reload may change it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/values.h"

namespace cr::server::config {

// sockaddr_un holds 108 bytes with the closing zero.
inline constexpr std::size_t k_socket_path_bytes_max = 107;

enum class Reload { live, restart };

struct ConfigKey {
  std::string name;  // dotted: "limits.connections_max"
  Reload reload = Reload::live;
  std::function<base::Result<void>(const ConfigValue&, Config&)> read;
  std::function<std::string(const Config&)> show;
};

const std::vector<ConfigKey>& config_keys();
const ConfigKey* find_config_key(std::string_view name);
bool is_config_table(std::string_view name);  // "limits"

// The way out for a key that does not exist: the nearest one, or the table it belongs in; empty if none is near.
std::string hint_for_unknown_key(std::string_view name);

}  // namespace cr::server::config
