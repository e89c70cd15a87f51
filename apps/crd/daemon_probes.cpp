// SPDX-License-Identifier: MIT
// Daemon::test_channel: a small request with each key of a channel, all at the same time. Admin threads.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>

#include "daemon.h"
#include "relay/request/channel_probe.h"

namespace cr::crd {

namespace {

namespace asio = boost::asio;
using base::Result;
using ledger::ChannelRecord;
using relay::request::ProbeResult;
constexpr std::chrono::seconds k_probe_wait{30};
constexpr std::chrono::milliseconds k_probe_look{100};

struct Probe {
  std::uint32_t key = 0;
  std::future<ProbeResult> result;
};

// `wanted` as it is shown, "sk-proj-Ab...wxyz", or how it begins. A channel without keys is tried without one.
Result<std::vector<std::uint32_t>> chosen_keys(const ChannelRecord& channel, const std::optional<std::string>& wanted) {
  std::vector<std::uint32_t> keys;
  for (std::uint32_t key = 0; key < channel.keys.size(); ++key) {
    const auto& hint = channel.key_hints.at(key);
    if (!wanted || to_text(hint) == *wanted || hint.first.view().starts_with(*wanted)) keys.push_back(key);
  }
  if (channel.keys.empty() && !wanted) keys.push_back(0);
  if (!keys.empty() && wanted != "") return keys;
  // Not repeated: it may be a whole key.
  return base::fail(base::ErrorCode::not_found, "channel '" + channel.name + "': no key begins with what was given",
                    "give a key as 'crctl channel show " + channel.name + "' shows it");
}

std::future<ProbeResult> start_probe(server::listener::Worker& worker, std::shared_ptr<const ChannelRecord> channel,
                                     std::uint32_t key, const std::string& model) {
  auto promise = std::make_shared<std::promise<ProbeResult>>();
  auto result = promise->get_future();
  worker.post([promise, channel = std::move(channel), key, model](relay::request::WorkerContext& context) {
    asio::co_spawn(
        context.io(),
        [&context, promise, channel, key, model]() -> http::Task<void> {
          try {
            promise->set_value(co_await relay::request::probe_channel(context, channel, key, model));
          } catch (...) {
            promise->set_exception(std::current_exception());  // for the admin thread, which logs it
          }
        },
        asio::detached);
  });
  return result;
}

admin::ChannelKeyTest to_message(const ChannelRecord& channel, std::uint32_t key, const ProbeResult& probe) {
  admin::ChannelKeyTest test;
  if (key < channel.key_hints.size()) {
    test.first = channel.key_hints[key].first.view();
    test.last = channel.key_hints[key].last.view();
  }
  test.ok = probe.ok;
  test.status = probe.status;
  test.connect_ms = probe.connect_ms;
  test.total_ms = probe.total_ms;
  test.message = probe.message;
  return test;
}

// The members that were there before each key was tried: of the first that failed.
void summarise(admin::ChannelTest& test) {
  const auto failed = std::find_if_not(test.keys.begin(), test.keys.end(), [](const auto& key) { return key.ok; });
  const auto& shown = failed == test.keys.end() ? test.keys.front() : *failed;
  test.ok = failed == test.keys.end();
  test.status = shown.status;
  test.connect_ms = shown.connect_ms;
  test.total_ms = shown.total_ms;
  test.message = shown.message;
}

}  // namespace

Result<admin::ChannelTest> Daemon::test_channel(const std::string& name, const admin::ChannelTestRequest& request) {
  const auto directory = ledger_->directory().get();
  const std::shared_ptr<const ChannelRecord> channel = directory->find_channel(name);
  if (!channel) return base::fail(base::ErrorCode::not_found, "no channel named '" + name + "'");
  const auto keys = chosen_keys(*channel, request.key);
  if (!keys) return tl::unexpected(keys.error());
  const auto until = base::steady_now() + k_probe_wait;
  std::vector<Probe> probes;
  for (const auto key : *keys) {
    probes.push_back({key, start_probe(*workers_.front(), channel, key, request.model.value_or(""))});
  }
  admin::ChannelTest test;
  bool any_came = false;
  for (auto& probe : probes) {
    while (probe.result.wait_for(k_probe_look) != std::future_status::ready && base::steady_now() < until) {
      if (shared_->draining)
        return base::fail(base::ErrorCode::unavailable, "test channel '" + name + "': crd is stopping");
    }
    ProbeResult result;
    if (probe.result.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      any_came = true;
      result = probe.result.get();
      test.model = result.model;
    } else {
      result.message = "the provider did not answer in time";
    }
    if (result.ok) shared_->health.proved_good(*channel, probe.key, result.upstream_model);
    test.keys.push_back(to_message(*channel, probe.key, result));
  }
  if (!any_came) return base::fail(base::ErrorCode::timeout, "channel '" + name + "' did not answer in time");
  summarise(test);
  return test;
}

}  // namespace cr::crd
