// SPDX-License-Identifier: MIT
#include "ledger/core/channel_rules.h"

#include <algorithm>

#include "base/text.h"
#include "base/url.h"
#include "provider/kinds/kind.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr const char* k_url_hint = "write it like https://api.example.com/v1";
constexpr const char* k_proxy_hint = "write it like http://proxy.example.com:3128";
constexpr std::size_t k_url_bytes_max = 2048;
constexpr std::int64_t k_weight_max = 1'000'000;
constexpr std::int64_t k_priority_max = 1'000'000;
constexpr std::size_t k_path_bytes_max = 4096;
constexpr std::chrono::milliseconds k_timeout_max = std::chrono::hours(24);

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

// An address that an edit leaves as it was is not judged anew: a channel made under other rules can still be disabled.
bool keeps(const ChannelRecord* before, std::string ChannelRecord::*address, const ChannelRecord& channel) {
  return before != nullptr && before->*address == channel.*address;
}

Result<void> check_network(ChannelRecord& channel, const ChannelRecord* before) {
  if (auto checked = check_headers(channel.headers); !checked) return checked;
  if (!channel.proxy.empty() && !keeps(before, &ChannelRecord::proxy, channel)) {
    auto proxy = check_proxy(channel.proxy);
    if (!proxy) return tl::unexpected(proxy.error());
    channel.proxy = std::move(*proxy);
  }
  return check_certificate_files(channel);
}

Result<void> check_address(ChannelRecord& channel, const ChannelRecord* before) {
  if (channel.base_url.empty()) {
    if (!provider::row_of(channel.kind).needs_base_url) return {};
    return base::fail(ErrorCode::invalid,
                      "channel '" + channel.name + "': a channel of kind " +
                          std::string(provider::name_of(channel.kind)) + " needs a base URL",
                      k_url_hint);
  }
  if (keeps(before, &ChannelRecord::base_url, channel)) return {};
  auto url = check_base_url(channel.base_url);
  if (!url) return tl::unexpected(url.error());
  channel.base_url = std::move(*url);
  return {};
}

// The usual field follows a base URL that moves; one that was chosen stays.
Result<void> complete_bound_field(ChannelRecord& channel, const ChannelRecord* before) {
  auto& field = channel.bound_field;
  const bool named = before == nullptr || field != before->bound_field;
  if (named) channel.bound_field_chosen = !field.empty() && field != "auto";
  if (!channel.bound_field_chosen) field = default_bound_field(channel.kind, channel.base_url);
  if (field == "max_tokens" || field == "max_completion_tokens" || field == "none") return {};
  return base::fail(
      ErrorCode::invalid,
      "channel '" + channel.name + "': the bound field is none of auto, max_tokens, max_completion_tokens and none",
      "leave it out for the usual one");
}

Result<void> check_provider_words(ChannelRecord& channel) {
  const auto invalid = [&](const std::string& what) {
    return base::fail(ErrorCode::invalid, "channel '" + channel.name + "': " + what);
  };
  constexpr std::int64_t k_rate_max = 1'000'000;
  for (auto* word : {&channel.stream_usage, &channel.cancels}) {
    if (word->empty()) *word = "auto";
  }
  if (channel.stream_usage != "auto" && channel.stream_usage != "always" && channel.stream_usage != "never")
    return invalid("stream usage must be auto, always or never");
  if (channel.cancels != "auto" && channel.cancels != "never") return invalid("cancels must be auto or never");
  if (channel.output_rate_max && (*channel.output_rate_max < 1 || *channel.output_rate_max > k_rate_max))
    return invalid("the output rate must be from 1 to 1000000 model tokens a second");
  return {};
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
  // Not shown: what stands before '@' may be a password.
  if (base::has_userinfo(url)) {
    return base::fail(ErrorCode::invalid, "base URL: it has a user name or password in it",
                      "set the provider's key with channel set-key");
  }
  const auto parsed = base::Url::parse(url);
  if (!parsed) {
    return base::fail(parsed.error().code, "base URL '" + base::shown_url(url) + "': " + parsed.error().message,
                      parsed.error().hint);
  }
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
  const auto bad = [](const std::string& why, std::string hint) {
    return base::fail(ErrorCode::invalid, "proxy: " + why, std::move(hint));
  };
  if (url.size() > k_url_bytes_max) return bad("longer than 2048 bytes", k_proxy_hint);
  // Not shown: what stands before '@' may be a password, and all of this setting is shown to who may see channels.
  if (url.find('@') != std::string_view::npos) {
    return bad("it has a user name or password in it, and this setting is shown to everyone who may see channels",
               "let the proxy know crd by its address instead");
  }
  const std::string shown = "'" + base::shown_url(url) + "': ";
  const auto parsed = base::Url::parse(url);
  if (!parsed) return bad(shown + parsed.error().message, k_proxy_hint);
  if (parsed->scheme != base::Scheme::http) return bad(shown + "it is spoken to over plain HTTP only", k_proxy_hint);
  if (!parsed->path.empty()) return bad(shown + "it has more than a host and a port", k_proxy_hint);
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

Result<token::ModelSet> served_models(const ChannelRecord& channel) {
  std::vector<std::string> served = channel.models;
  for (const auto& [alias, model] : channel.model_map) served.push_back(alias);
  return token::ModelSet::parse(served);
}

std::string_view default_bound_field(ChannelKind kind, std::string_view base_url) {
  const auto url = base::Url::parse(base_url);
  return provider::usual_bound_field(kind, url ? std::string_view(url->host) : std::string_view());
}

Result<void> complete_channel(ChannelRecord& channel, const ChannelRecord* before) {
  if (channel.models.empty() && channel.model_map.empty()) {
    return base::fail(ErrorCode::invalid, "channel '" + channel.name + "': it serves no model",
                      "name at least one, or '*' for all that are asked for");
  }
  if (auto checked = check_map(channel); !checked) return checked;
  auto models = served_models(channel);
  if (!models) return tl::unexpected(models.error());
  channel.model_set = std::move(*models);
  if (auto checked = check_address(channel, before); !checked) return checked;
  if (auto checked = complete_bound_field(channel, before); !checked) return checked;
  if (auto checked = check_provider_words(channel); !checked) return checked;
  if (auto checked = check_network(channel, before); !checked) return checked;
  return check_numbers(channel);
}

}  // namespace cr::ledger
