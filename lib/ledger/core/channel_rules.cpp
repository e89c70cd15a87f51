// SPDX-License-Identifier: MIT
#include "ledger/core/channel_rules.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view k_url_hint = "write it like https://api.example.com/v1";
constexpr std::size_t k_url_bytes_max = 2048;
constexpr std::int64_t k_weight_max = 1'000'000;
constexpr std::int64_t k_priority_max = 1'000'000;
constexpr std::size_t k_path_bytes_max = 4096;
constexpr std::chrono::milliseconds k_timeout_max = std::chrono::hours(24);

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// Of the address only what holds no password and no key: nothing before an '@', nothing from a query on.
tl::unexpected<base::Error> bad_url(std::string_view url, const char* why) {
  auto shown = std::string(url.substr(0, url.find_first_of("?#")));
  if (const auto at = shown.rfind('@'); at != std::string::npos) shown = "..." + shown.substr(at);
  return base::fail(ErrorCode::invalid, "base URL '" + shown + "': " + why, std::string(k_url_hint));
}

// The host with its port split off; IPv6 stands in brackets.
Result<std::string_view> host_of(std::string_view url, std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return bad_url(url, "the bracket of its IPv6 address is not closed");
  const std::size_t colon = authority.find(':', bracket);
  if (colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    int number = 0;
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || parsed.ptr != port.data() + port.size() || number < 1 || number > 65535) {
      return bad_url(url, "its port is not a number from 1 to 65535");
    }
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || !token::IpAddress::parse(host.substr(1, host.size() - 2))) {
      return bad_url(url, "what stands in brackets is not an IPv6 address");
    }
  } else if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_byte)) {
    return bad_url(url, "its host is missing or has characters that no host has");
  }
  return host;
}

std::string_view after_scheme(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  }
  return {};
}

Result<void> check_numbers(const ChannelRecord& channel) {
  const auto invalid = [&](const std::string& what) {
    return base::fail(ErrorCode::invalid, "channel '" + channel.name + "': " + what);
  };
  if (channel.weight < 0 || channel.weight > k_weight_max) return invalid("weight must be from 0 to 1000000");
  if (std::abs(channel.priority) > k_priority_max) return invalid("priority must be from -1000000 to 1000000");
  for (const auto timeout :
       {channel.timeout_connect, channel.timeout_first_byte, channel.timeout_idle, channel.timeout_total}) {
    if (timeout <= std::chrono::milliseconds(0) || timeout > k_timeout_max) {
      return invalid("timeouts must be over 0 and at most 24h");
    }
  }
  if (channel.echo_delay < std::chrono::milliseconds(0) || channel.echo_delay > k_timeout_max) {
    return invalid("echo delay must be from 0 to 24h");
  }
  return {};
}

Result<void> check_path(const ChannelRecord& channel, std::string_view what, const std::string& path) {
  if (path.empty()) return {};
  const bool clean = std::none_of(path.begin(), path.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (path.starts_with('/') && clean && path.size() <= k_path_bytes_max) return {};
  return base::fail(ErrorCode::invalid,
                    "channel '" + channel.name + "': " + std::string(what) + " '" +
                        base::escape_for_terminal(path.substr(0, 256)) + "' is not an absolute path",
                    "crd opens the file itself: write its whole path, from /");
}

Result<void> check_network(ChannelRecord& channel) {
  if (auto checked = check_headers(channel.headers); !checked) return checked;
  if (!channel.proxy.empty()) {
    auto proxy = check_proxy(channel.proxy);
    if (!proxy) return tl::unexpected(proxy.error());
    channel.proxy = std::move(*proxy);
  }
  return check_certificate_files(channel);
}

Result<void> check_map(const ChannelRecord& channel) {
  for (const auto& [alias, model] : channel.model_map) {
    if (alias.find('*') != std::string::npos || model.find('*') != std::string::npos) {
      return base::fail(ErrorCode::invalid,
                        "channel '" + channel.name + "': '*' in the map entry '" + alias + "=" + model + "'",
                        "map one name to one name");
    }
    // The same rule for both sides: not empty, no control bytes, at most 256 bytes.
    if (auto checked = token::ModelSet::parse({alias, model}); !checked) return tl::unexpected(checked.error());
  }
  return {};
}

}  // namespace

Result<std::string> check_base_url(std::string_view url) {
  if (url.size() > k_url_bytes_max) return base::fail(ErrorCode::invalid, "base URL: longer than 2048 bytes");
  for (const char c : url) {
    if (c <= ' ' || c > '~') return bad_url(base::escape_for_terminal(url), "it has blanks or bytes that no URL has");
  }
  std::string_view rest = after_scheme(url);
  if (rest.empty()) return bad_url(url, "it does not begin with https:// or http:// and a host");
  if (rest.find_first_of("?#") != std::string_view::npos) return bad_url(url, "it has a query or a fragment");
  const std::size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  // Not shown: what stands before '@' may be a password.
  if (authority.find('@') != std::string_view::npos) {
    return base::fail(ErrorCode::invalid, "base URL: it has a user name or password in it",
                      "set the provider's key with channel set-key");
  }
  if (auto host = host_of(url, authority); !host) return tl::unexpected(host.error());
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

Result<void> check_certificate_files(const ChannelRecord& channel) {
  for (const auto& [what, path] : {std::pair<std::string_view, const std::string&>{"CA file", channel.ca_file},
                                   {"client certificate", channel.client_cert},
                                   {"client key", channel.client_key}}) {
    if (auto checked = check_path(channel, what, path); !checked) return checked;
  }
  if (channel.client_cert.empty() == channel.client_key.empty()) return {};
  return base::fail(ErrorCode::invalid, "channel '" + channel.name + "': a client certificate and its key go together",
                    "name both files, or neither");
}

Result<std::string> check_proxy(std::string_view url) {
  const auto bad = [&](const std::string& why, std::string hint) {
    return base::fail(ErrorCode::invalid, "proxy: " + why, std::move(hint));
  };
  const std::string hint = "write it like http://proxy.example.com:3128";
  if (url.size() > k_url_bytes_max) return bad("longer than 2048 bytes", hint);
  // Not shown: what stands before '@' may be a password, and all of this setting is shown to who may see channels.
  if (url.find('@') != std::string_view::npos) {
    return bad("it has a user name or password in it, and this setting is shown to everyone who may see channels",
               "let the proxy know crd by its address instead");
  }
  const std::string shown = "'" + base::escape_for_terminal(url) + "': ";
  if (url.starts_with("https://")) return bad(shown + "it is spoken to over plain HTTP only", hint);
  if (!url.starts_with("http://")) return bad(shown + "it does not begin with http://", hint);
  std::string_view authority = url.substr(7);
  while (authority.ends_with('/')) authority.remove_suffix(1);
  const bool clean = std::all_of(authority.begin(), authority.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!clean || authority.find_first_of("/?#") != std::string_view::npos)
    return bad(shown + "it has more than a host and a port", hint);
  if (auto host = host_of(url, authority); !host) return bad(shown + "its host or its port is malformed", hint);
  return "http://" + std::string(authority);
}

Result<token::ModelSet> served_models(const ChannelRecord& channel) {
  std::vector<std::string> served = channel.models;
  for (const auto& [alias, model] : channel.model_map) served.push_back(alias);
  return token::ModelSet::parse(served);
}

std::string_view default_bound_field(ChannelKind kind, std::string_view base_url) {
  const std::string_view rest = after_scheme(base_url);
  const std::string_view host = rest.substr(0, rest.find_first_of("/:"));
  const bool openai_itself = kind == ChannelKind::openai && base::equals_ignoring_case(host, "api.openai.com");
  return openai_itself ? "max_completion_tokens" : "max_tokens";
}

Result<void> complete_channel(ChannelRecord& channel) {
  const auto invalid = [&](const std::string& what, std::string hint) {
    return base::fail(ErrorCode::invalid, "channel '" + channel.name + "': " + what, std::move(hint));
  };
  if (channel.models.empty() && channel.model_map.empty()) {
    return invalid("it serves no model", "name at least one, or '*' for all that are asked for");
  }
  if (auto checked = check_map(channel); !checked) return checked;
  auto models = served_models(channel);
  if (!models) return tl::unexpected(models.error());
  channel.model_set = std::move(*models);
  if (!channel.base_url.empty()) {
    auto url = check_base_url(channel.base_url);
    if (!url) return tl::unexpected(url.error());
    channel.base_url = std::move(*url);
  } else if (channel.kind != ChannelKind::echo) {
    return invalid("a channel of kind " + std::string(name_of(channel.kind)) + " needs a base URL",
                   std::string(k_url_hint));
  }
  if (channel.bound_field.empty()) channel.bound_field = default_bound_field(channel.kind, channel.base_url);
  if (channel.bound_field != "max_tokens" && channel.bound_field != "max_completion_tokens") {
    return invalid("the bound field is neither max_tokens nor max_completion_tokens", "leave it out for the usual one");
  }
  if (auto checked = check_network(channel); !checked) return checked;
  return check_numbers(channel);
}

}  // namespace cr::ledger
