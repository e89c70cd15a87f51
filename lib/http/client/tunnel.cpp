// SPDX-License-Identifier: MIT
#include "http/client/tunnel.h"

#include <boost/asio/write.hpp>
#include <string_view>

#include "base/address.h"
#include "base/text.h"
#include "http/message/connect_answer.h"

namespace cr::http::client {

namespace {

tl::unexpected<base::Error> failed(std::string what) {
  return base::fail(base::ErrorCode::upstream, "the proxy " + std::move(what));
}

// The last label of a host that the WHATWG URL standard reads as an IPv4 address: all digits, or 0x and hex digits.
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  auto label = host.substr(host.rfind('.') + 1);
  const auto all = [&](std::string_view set) { return label.find_first_not_of(set) == std::string_view::npos; };
  if (!label.empty() && all("0123456789")) return true;
  if (!label.starts_with("0x") && !label.starts_with("0X")) return false;
  label.remove_prefix(2);
  return all("0123456789abcdefABCDEF");
}

bool is_local_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto lower = base::to_lower_ascii(host);
  return lower == "localhost" || lower.ends_with(".localhost");  // RFC 6761, 6.3
}

}  // namespace

base::Result<void> check_tunnel_host(const std::string& host, dns::PrivateAddresses privates) {
  if (privates == dns::PrivateAddresses::allow) return {};
  const auto address = base::IpAddress::parse(host);
  const bool refused = address ? address->is_special() : ends_in_number(host) || is_local_name(host);
  if (!refused) return {};
  return base::fail(base::ErrorCode::forbidden, "the upstream's address is a private one",
                    "allow it with: crctl channel edit NAME --allow-private");
}

Task<base::Result<void>> open_tunnel(Socket& socket, const base::Url& target) {
  const bool is_v6 = target.host.find(':') != std::string::npos;
  const auto authority = (is_v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
  const auto request = "CONNECT " + authority + " HTTP/1.1\r\nhost: " + authority + "\r\n\r\n";
  auto [unsent, sent_bytes] = co_await asio::async_write(socket, asio::buffer(request), k_await);
  if (unsent) co_return failed("closed the connection: " + unsent.message());
  message::ConnectAnswer answer;
  for (;;) {
    const auto room = answer.room();
    auto [error, bytes] = co_await socket.async_read_some(asio::buffer(room.data(), room.size()), k_await);
    if (error) co_return failed("closed the connection: " + error.message());
    if (auto told = answer.take(bytes)) co_return std::move(*told);
  }
}

}  // namespace cr::http::client
