// SPDX-License-Identifier: MIT
#include "http/dns/egress_policy.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "base/address.h"

namespace cr::http::dns {

namespace {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

bool is_special(const asio::ip::address& address) {
  const auto parsed = base::IpAddress::parse(address.to_string());
  return !parsed || parsed->is_special();
}

}  // namespace

// Outlives the one who waits: the answer may come after it has gone.
struct EgressPolicy::Wait {
  Wait(asio::io_context& io, std::chrono::milliseconds timeout) : timer(io, timeout) {}
  Timer timer;
  std::optional<base::Result<Addresses>> answer;
  bool cancelled = false;
};

void EgressPolicy::LookUp::cancel() {
  if (!wait_) return;
  wait_->cancelled = true;
  wait_->timer.cancel();
}

base::Result<Endpoints> permitted(Endpoints endpoints, PrivateAddresses privates) {
  if (privates == PrivateAddresses::allow) return endpoints;
  std::erase_if(endpoints, [](const auto& endpoint) { return is_special(endpoint.address()); });
  if (!endpoints.empty()) return endpoints;
  return base::fail(base::ErrorCode::forbidden, "name resolves to a private address",
                    "allow it with: crctl channel edit NAME --allow-private");
}

Task<base::Result<Endpoints>> EgressPolicy::resolve(const std::string& host, std::uint16_t port,
                                                    PrivateAddresses privates, std::chrono::milliseconds timeout,
                                                    LookUp& look_up) {
  SystemError not_an_address;
  const auto literal = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return permitted(Endpoints{{literal, port}}, privates);
  const auto wait = std::make_shared<Wait>(io_, timeout);
  look_up.wait_ = wait;
  names_.look_up(host, [wait, &io = io_](const base::Result<Addresses>& answer) {
    asio::post(io, [wait, answer] {
      wait->answer = answer;
      wait->timer.cancel();
    });
  });
  co_await wait->timer.async_wait(k_await);
  look_up.wait_.reset();
  if (wait->cancelled) co_return base::fail(base::ErrorCode::upstream, "the request was given up");
  if (!wait->answer) co_return base::fail(base::ErrorCode::timeout, "name was not resolved in time");
  if (!*wait->answer) co_return tl::unexpected(wait->answer->error());
  Endpoints endpoints;
  for (const auto& address : **wait->answer) endpoints.emplace_back(address, port);
  co_return permitted(std::move(endpoints), privates);
}

}  // namespace cr::http::dns
