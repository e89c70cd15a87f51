// SPDX-License-Identifier: MIT
#include "http/resolver.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <memory>

#include "base/address.h"

namespace cr::http {

namespace {

constexpr std::chrono::seconds k_remember_for{30};
constexpr std::size_t k_remembered_max = 1024;

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

bool is_special(const asio::ip::address& address) {
  const auto parsed = base::IpAddress::parse(address.to_string());
  return !parsed || parsed->is_special();
}

base::Result<Endpoints> permitted(Endpoints endpoints, PrivateAddresses privates) {
  if (privates == PrivateAddresses::allow) return endpoints;
  std::erase_if(endpoints, [](const auto& endpoint) { return is_special(endpoint.address()); });
  if (!endpoints.empty()) return endpoints;
  return base::fail(base::ErrorCode::forbidden, "the upstream's name resolves to a private address",
                    "allow it with: crctl channel edit NAME --allow-private");
}

}  // namespace

Task<base::Result<Endpoints>> Resolver::resolve(const std::string& host, std::uint16_t port, PrivateAddresses privates,
                                                std::chrono::milliseconds timeout) {
  ErrorCode not_an_address;
  const auto literal = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return permitted(Endpoints{{literal, port}}, privates);
  const auto key = host + ":" + std::to_string(port);
  const auto now = base::steady_now();
  if (const auto found = remembered_.find(key); found != remembered_.end() && found->second.until > now) {
    co_return permitted(found->second.endpoints, privates);
  }
  auto endpoints = co_await look_up(host, port, timeout);
  if (!endpoints) co_return endpoints;
  if (remembered_.size() >= k_remembered_max) remembered_.clear();
  remembered_[key] = {*endpoints, now + k_remember_for};
  co_return permitted(std::move(*endpoints), privates);
}

Task<base::Result<Endpoints>> Resolver::look_up(const std::string& host, std::uint16_t port,
                                                std::chrono::milliseconds timeout) {
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
  // The system's look-up cannot be cancelled, only abandoned: what it writes to outlives this call.
  struct LookUp {
    LookUp(Executor executor, std::chrono::milliseconds wait) : resolver(executor), timer(executor, wait) {}
    BasicResolver resolver;
    Timer timer;
    ErrorCode error;
    Endpoints endpoints;
    bool done = false;
  };
  auto state = std::make_shared<LookUp>(resolver_.get_executor(), timeout);
  state->resolver.async_resolve(host, std::to_string(port), BasicResolver::flags::numeric_service,
                                [state](const ErrorCode& error, const BasicResolver::results_type& results) {
                                  state->error = error;
                                  for (const auto& entry : results) state->endpoints.push_back(entry.endpoint());
                                  state->done = true;
                                  state->timer.cancel();
                                });
  co_await state->timer.async_wait(k_await);
  if (!state->done) co_return base::fail(base::ErrorCode::timeout, "the upstream's name was not resolved in time");
  if (state->error) {
    co_return base::fail(base::ErrorCode::upstream, "the upstream's name does not resolve: " + state->error.message());
  }
  co_return std::move(state->endpoints);
}

}  // namespace cr::http
