// SPDX-License-Identifier: MIT
#include "http/message/url.h"

#include <algorithm>
#include <charconv>

#include "base/address.h"

namespace cr::http::message {

namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

tl::unexpected<base::Error> bad_url(std::string_view why) {
  return base::fail(base::ErrorCode::invalid, "the address is not usable: " + std::string(why),
                    "write it as https://host[:port][/path]");
}

base::Result<void> parse_authority(std::string_view authority, Url& url) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad_url("a bracket is open");
    url.host = authority.substr(1, close - 1);
    const auto rest = authority.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad_url("something follows the bracket");
    port = rest.empty() ? rest : rest.substr(1);
    if (rest == ":") return bad_url("the port is empty");
    if (url.host.find(':') == std::string::npos || !base::IpAddress::parse(url.host)) {
      return bad_url("the IPv6 address is malformed");
    }
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = authority.substr(colon + 1);
      if (port.empty()) return bad_url("the port is empty");
    }
    if (url.host.empty() || !std::all_of(url.host.begin(), url.host.end(), is_host_char))
      return bad_url("the host is malformed");
  }
  if (port.empty()) return {};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size() || url.port == 0)
    return bad_url("the port is not 1..65535");
  return {};
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    url.scheme = Scheme::http;
    url.port = 80;
    text.remove_prefix(7);
  } else {
    return bad_url("it begins with neither https:// nor http://");
  }
  const auto clean = [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '@' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), clean))
    return bad_url("it has a user, query, fragment, blank or non-ASCII byte");
  const auto slash = std::min(text.find('/'), text.size());
  if (auto parsed = parse_authority(text.substr(0, slash), url); !parsed) return tl::unexpected(parsed.error());
  url.path = text.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

std::string Url::authority() const {
  auto text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const auto usual = scheme == Scheme::https ? 443 : 80;
  if (port != usual) text += ":" + std::to_string(port);
  return text;
}

}  // namespace cr::http::message
