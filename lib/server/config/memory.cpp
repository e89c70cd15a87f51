// SPDX-License-Identifier: MIT
#include "server/config/memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

#include "server/config/values.h"

namespace cr::server::config {

namespace {

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20;
constexpr std::uint64_t k_least = 16 * k_mib;
// Of a token's share, beside one body of the largest size: its answer, and other requests' small ones.
constexpr std::uint64_t k_beside_body = 4 * k_mib;

std::optional<std::uint64_t> limit_in(const std::string& file) {
  std::ifstream in(file);
  std::string text;
  if (!std::getline(in, text)) return std::nullopt;
  std::uint64_t bytes = 0;  // "max" is no number
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return bytes;
}

std::string shown(std::uint64_t bytes) {
  return show_bytes(static_cast<std::int64_t>(bytes));
}

std::uint64_t in_whole_mib(std::uint64_t bytes) {
  return (bytes + k_mib - 1) / k_mib * k_mib;
}

}  // namespace

std::optional<std::uint64_t> cgroup_memory_max(const std::string& processes, const std::string& root) {
  constexpr std::string_view k_unified = "0::/";
  std::ifstream in(processes);
  std::string line;
  do {
    if (!std::getline(in, line)) return std::nullopt;
  } while (!line.starts_with(k_unified));
  auto path = line.substr(k_unified.size() - 1);
  std::optional<std::uint64_t> lowest;
  for (;;) {
    if (path.ends_with('/')) path.pop_back();
    const auto limit = limit_in(root + path + "/memory.max");
    if (limit) lowest = std::min(*limit, lowest.value_or(*limit));
    if (path.empty()) return lowest;
    path.resize(path.rfind('/'));
  }
}

void set_default_memory(Config& config, MemoryKeys given, std::optional<std::uint64_t> limit) {
  auto& relay = config.relay;
  if (given.memory || !limit) return;
  relay.memory = std::clamp(*limit / 2 / k_mib * k_mib, k_least, relay.memory);
  if (given.body_bytes_max) return;
  relay.body_bytes_max = std::min(relay.body_bytes_max, relay.memory_limits().share() - k_beside_body);
}

base::Result<void> check_memory(const Config& config) {
  const auto& relay = config.relay;
  const auto share = relay.memory_limits().share();
  const auto body = relay.body_bytes_max;
  if (share < body + k_beside_body) {
    const auto lower = share > k_beside_body ? share - k_beside_body : 0;
    return base::fail(base::ErrorCode::invalid,
                      "limits.memory (" + shown(relay.memory) + ") is too small for limits.body_bytes_max (" +
                          shown(body) + "): a token may hold half of it, and needs 4MiB beside its body",
                      "raise limits.memory to " + shown(in_whole_mib(2 * (body + k_beside_body))) +
                          ", or lower limits.body_bytes_max to " + shown(lower));
  }
  if (relay.event_bytes_max > relay.memory / 4) {
    return base::fail(base::ErrorCode::invalid,
                      "limits.memory (" + shown(relay.memory) + ") is too small for limits.event_bytes_max (" +
                          shown(relay.event_bytes_max) + "): an event may be a quarter of it",
                      "raise limits.memory to " + shown(in_whole_mib(4 * relay.event_bytes_max)) +
                          ", or lower limits.event_bytes_max to " + shown(relay.memory / 4));
  }
  return {};
}

}  // namespace cr::server::config
