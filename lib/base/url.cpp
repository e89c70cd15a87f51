// SPDX-License-Identifier: MIT
#include "base/url.h"

#include <algorithm>
#include <charconv>

#include "base/address.h"
#include "base/text.h"

namespace cr::base {

namespace {

constexpr std::string_view k_http = "http://", k_https = "https://";
constexpr const char* k_form = "write it like https://api.example.com/v1";
constexpr const char* k_ipv6_form = "write an IPv6 address like https://[2001:db8::1]:8443/v1";
constexpr std::size_t k_shown_bytes_max = 256;

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

std::string hex_of(char c) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {k_digits[byte >> 4], k_digits[byte & 15U]};
}

std::string name_of(char c) {
  if (c == ' ') return "a blank";
  return is_visible(c) ? "'" + std::string(1, c) + "'" : "the byte 0x" + hex_of(c);
}

tl::unexpected<Error> bad(std::string why, std::string hint = k_form) {
  return fail(ErrorCode::invalid, std::move(why), std::move(hint));
}

std::string_view after_scheme(std::string_view text) {
  for (const auto scheme : {k_https, k_http}) {
    if (text.starts_with(scheme)) return text.substr(scheme.size());
  }
  return {};
}

std::string_view authority_of(std::string_view text) {
  const auto rest = after_scheme(text);
  return rest.substr(0, rest.find_first_of("/?#"));
}

Result<void> check_host(std::string_view host) {
  if (host.empty()) return bad("it has no host");
  const auto* odd = std::find_if_not(host.begin(), host.end(), is_host_char);
  if (odd == host.end()) return {};
  const bool ascii = static_cast<unsigned char>(*odd) < 0x80;
  return bad("its host has " + name_of(*odd) + " in it, which no host has",
             ascii ? k_form : "write the host in its ASCII form, xn--...");
}

Result<void> check_path(std::string_view path) {
  for (const char c : path) {
    if (c == '?') return bad("it has a query", "leave out the '?' and what follows it");
    if (c == '#') return bad("it has a fragment", "leave out the '#' and what follows it");
    if (c == '\\')
      return bad("its path has '\\' in it, which no URL has", "write / instead, or %5C for the character itself");
    if (!is_visible(c))
      return bad("its path has " + name_of(c) + " in it, which no URL has", "write %" + hex_of(c) + " for it");
  }
  return {};
}

Result<void> parse_port(std::string_view port, Url& url) {
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error == std::errc() && end == port.data() + port.size() && url.port != 0) return {};
  return bad(port.empty() ? "its port is empty" : "its port is not a number from 1 to 65535");
}

Result<void> parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos)
    return bad("it has a user name or password in it", "leave out what stands before the '@', and the '@'");
  std::string_view rest;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad("the bracket of its IPv6 address is not closed", k_ipv6_form);
    url.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
    if (url.host.find(':') == std::string::npos || !IpAddress::parse(url.host))
      return bad("what stands in brackets is not an IPv6 address", k_ipv6_form);
    if (!rest.empty() && rest.front() != ':')
      return bad("something other than a port follows the bracket", k_ipv6_form);
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
    if (auto checked = check_host(url.host); !checked) return checked;
  }
  return rest.empty() ? Result<void>() : parse_port(rest.substr(1), url);
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  if (text.starts_with(k_http)) {
    url.scheme = Scheme::http;
    url.port = 80;
  } else if (!text.starts_with(k_https)) {
    return bad("it does not begin with https:// or http://");
  }
  const auto authority = authority_of(text);
  if (auto parsed = parse_authority(authority, url); !parsed) return tl::unexpected(parsed.error());
  url.path = after_scheme(text).substr(authority.size());
  if (auto checked = check_path(url.path); !checked) return tl::unexpected(checked.error());
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

std::string Url::authority() const {
  auto text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const auto usual = scheme == Scheme::https ? 443 : 80;
  if (port != usual) text += ":" + std::to_string(port);
  return text;
}

bool has_userinfo(std::string_view url) {
  return authority_of(url).find('@') != std::string_view::npos;
}

std::string shown_url(std::string_view url) {
  const auto without_query = url.substr(0, url.find_first_of("?#"));
  const auto at = without_query.rfind('@');
  const auto cut = at == std::string_view::npos ? without_query : without_query.substr(at);
  const std::string shown = escape_for_terminal(cut.substr(0, k_shown_bytes_max));
  return at == std::string_view::npos ? shown : "..." + shown;
}

}  // namespace cr::base
