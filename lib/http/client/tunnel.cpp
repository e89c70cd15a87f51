// SPDX-License-Identifier: MIT
#include "http/client/tunnel.h"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <cstring>
#include <string_view>

#include "base/address.h"
#include "base/text.h"
#include "http/message/head.h"

namespace cr::http::client {

namespace {

// A proxy's answer to CONNECT is a line and a few fields.
constexpr std::size_t k_answer_bytes_max = std::size_t{16} * 1024;
constexpr int k_interim_heads_max = 20;
constexpr message::HeadLimits k_answer_limits{std::size_t{4} * 1024, std::size_t{8} * 1024, k_answer_bytes_max, 100};

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

base::Result<void> judge(int status) {
  if (status >= 200 && status < 300) return {};
  if (status == 407) return failed("demands a user name and password (407), which a channel's proxy cannot have");
  return failed("refused the tunnel with status " + std::to_string(status));
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
  std::string answer(k_answer_bytes_max, '\0');
  message::ResponseHeadParser parser(k_answer_limits);
  message::ResponseHead head;
  std::size_t seen = 0;
  std::size_t size = 0;
  int interim_heads = 0;
  for (;;) {
    auto [error, bytes] = co_await socket.async_read_some(asio::buffer(answer) + size, k_await);
    if (error) co_return failed("closed the connection: " + error.message());
    size += bytes;
    for (bool more = true; more && size > 0;) {
      const auto result = parser.parse({answer.data(), size}, seen, head);
      seen = size;
      if (result.state == message::HeadState::refused) co_return failed("did not answer in HTTP");
      if (result.state == message::HeadState::need_more) break;
      // Whatever a 2xx says of a length is void (RFC 9110, 9.3.6); a body of a refusal is of no interest.
      const bool interim = head.status < 200;
      if (auto judged = interim ? base::Result<void>() : judge(head.status); !judged) co_return judged;
      if (!interim && size > result.bytes) co_return failed("sent more than its answer");
      if (!interim) co_return base::Result<void>();
      if (++interim_heads > k_interim_heads_max) co_return failed("sent too many interim answers");
      size -= result.bytes;
      std::memmove(answer.data(), answer.data() + result.bytes, size);
      seen = 0;
    }
    if (size == answer.size()) co_return failed("answered with too long a head");
  }
}

}  // namespace cr::http::client
