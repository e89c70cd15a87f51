// SPDX-License-Identifier: MIT
#include "preflight.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/address.h"
#include "http/tls/tls_contexts.h"
#include "process.h"

namespace cr::crd {

namespace {

using base::ErrorCode;
using server::config::Config;

constexpr unsigned k_others_may_write = 022;
constexpr unsigned k_sticky = 01000;

// Known to this machine alone: who could listen in, could read the memory as well.
bool is_loopback(const std::string& host) {
  const auto address = base::IpAddress::parse(host);
  if (!address) return host == "localhost";
  return *address == *base::IpAddress::parse("::1") || (address->is_v4() && address->bytes[12] == 127);
}

base::Result<void> check_admin_socket(const std::string& path) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0 || S_ISSOCK(about.st_mode)) return {};
  return base::fail(ErrorCode::invalid, path + " exists and is not a socket",
                    "move it away, or set another 'admin_socket' in crd.toml");
}

void warn_of_listeners(const Config& config, std::vector<std::string>& warnings) {
  for (const auto& address : config.listen) {
    if (!config.tls.empty() || is_loopback(address.host)) continue;
    warnings.push_back("listen " + address.to_string() +
                       " without TLS: keys and prompts go over the network as plain text, unless a TLS proxy is before "
                       "it: see [tls] in crd.toml(5)");
  }
}

void warn_of_files(const Config& config, const std::string& config_file, std::vector<std::string>& warnings) {
  struct stat about {};
  if (!config_file.empty() && ::stat(config_file.c_str(), &about) == 0 && (about.st_mode & k_others_may_write) != 0)
    warnings.push_back(config_file + " is writable by others: run chmod go-w " + config_file);
  const auto parent = std::filesystem::path(config.state_dir).parent_path().string();
  if (::stat(parent.c_str(), &about) == 0 && (about.st_mode & k_others_may_write) != 0 &&
      (about.st_mode & k_sticky) == 0)
    warnings.push_back(parent + " is writable by others, who could put another state directory in the place of " +
                       config.state_dir);
  const auto store = config.state_dir + std::string(k_store_file);
  if (::lstat(store.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink > 1)
    warnings.push_back(store + " has another name too (a hard link): whoever opens that opens the store");
}

}  // namespace

base::Result<void> check_start(const Config& config) {
  if (auto good = check_private_directory(config.state_dir); !good) return good;
  if (auto trusted = http::tls::TlsContexts::make(config.ca_file); !trusted) return tl::unexpected(trusted.error());
  return check_admin_socket(config.admin_socket);
}

std::vector<std::string> warnings_at_start(const Config& config, const std::string& config_file) {
  std::vector<std::string> warnings;
  warn_of_listeners(config, warnings);
  if (config.relay.trust_proxies && config.relay.trusted_proxies.is_wide()) {
    warnings.push_back(
        "trusted_proxies holds a network of more than a /8 (of IPv6: /16): whoever is in it can say "
        "where it comes from");
  }
  warn_of_files(config, config_file, warnings);
  if (auto plan = plan_descriptors(config); !plan.warning.empty()) warnings.push_back(std::move(plan.warning));
  return warnings;
}

std::size_t worker_count(const Config& config) {
  if (config.workers > 0) return static_cast<std::size_t>(config.workers);
  return std::max(1u, std::thread::hardware_concurrency());
}

server::listener::DescriptorPlan plan_descriptors(const Config& config) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return {config.limits.connections_max, {}};
  return server::listener::plan_descriptors(
      {files.rlim_cur, worker_count(config), config.listen.size(), config.limits.connections_max});
}

}  // namespace cr::crd
