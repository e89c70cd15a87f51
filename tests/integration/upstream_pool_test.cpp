// SPDX-License-Identifier: MIT
// How many idle connections to a provider are kept, as the provider sees it.
#include <fstream>
#include <sstream>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr std::string_view k_key = "upstream_idle_connections_max = ";

DaemonOptions keeping(int connections) {
  DaemonOptions options;
  options.top_level = "workers = 1\n";
  options.tables = "[limits]\n" + std::string(k_key) + std::to_string(connections) + "\n";
  return options;
}

void reload(Daemon& daemon, int connections) {
  std::stringstream file;
  file << std::ifstream(daemon.config_file()).rdbuf();
  auto text = file.str();
  const auto value = text.find(k_key) + k_key.size();
  text.replace(value, text.find('\n', value) - value, std::to_string(connections));
  std::ofstream(daemon.config_file()) << text;
  daemon.must({"config", "reload"});
}

// All at once, so that each has a connection of its own.
void send(Gateway& gateway, const std::string& key, std::size_t requests) {
  gateway.upstream.close_gate();
  std::vector<std::future<int>> statuses;
  for (std::size_t i = 0; i < requests; ++i)
    statuses.push_back(std::async(std::launch::async, [&] { return gateway.post(key, chat()).status; }));
  gateway.upstream.wait_for("held", static_cast<std::int64_t>(requests));
  gateway.upstream.open_gate();
  for (auto& status : statuses) EXPECT_EQ(status.get(), 200);
}

// The asking connection is one, too. Ends by the test's own deadline if the count never comes.
void await_open(Gateway& gateway, int connections) {
  while (gateway.upstream.tally()["open_connections"] != connections + 1) std::this_thread::yield();
}

TEST(UpstreamPool, KeepsAsManyIdleConnectionsAsItIsTold) {
  Gateway gateway(keeping(2));
  const auto key = gateway.token("pool", {"--quota", "1"});
  send(gateway, key, 5);
  await_open(gateway, 2);
  reload(gateway.daemon, 4);
  send(gateway, key, 5);
  await_open(gateway, 4);
  reload(gateway.daemon, 1);
  await_open(gateway, 1);
  reload(gateway.daemon, 0);
  await_open(gateway, 0);
  send(gateway, key, 1);
  await_open(gateway, 0);
  check_witness(gateway, Run::clean);
}

}  // namespace
}  // namespace cr::test
