// SPDX-License-Identifier: MIT
#include "relay/request/upstream_access.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "base/url.h"
#include "provider/kinds/known_hosts.h"
#include "provider/provider.h"

namespace cr::relay::request {

http::tls::TlsFiles tls_files(const ledger::ChannelRecord& channel) {
  return {channel.ca_file, channel.client_cert, channel.client_key};
}

UpstreamAccess::UpstreamAccess(http::asio::io_context& io, http::Heartbeat& heartbeat, const Shared& shared,
                               std::size_t idle_each_max)
    : io_(io),
      heartbeat_(heartbeat),
      shared_(shared),
      resolver_(io, shared.names),
      pool_(io, heartbeat, idle_each_max, shared.distrusted,
            [this](std::uint64_t provider) { log_surplus(provider); }) {}

void UpstreamAccess::reload(std::size_t idle_each_max) {
  pool_.keep_at_most(idle_each_max);
  std::erase_if(addresses_, [](const auto& known) { return known.second->has_certificates; });
}

base::Result<std::shared_ptr<const ChannelAddress>> UpstreamAccess::address_of(const ledger::ChannelRecord& channel) {
  const auto key = (static_cast<std::uint64_t>(channel.id.value) << 32) ^ static_cast<std::uint64_t>(channel.rev);
  const auto found = addresses_.find(key);
  if (found != addresses_.end()) return found->second;
  auto address = work_out(channel);
  if (!address) {
    shared_.log.warning("channel cannot be reached", {{"channel", channel.name}, {"reason", address.error().message}});
    return address;
  }
  // Addresses of revisions gone by are few; when many, all are worked out again.
  if (addresses_.size() > 4096) addresses_.clear();
  return addresses_.emplace(key, std::move(*address)).first->second;
}

void UpstreamAccess::note_shortage(const base::Error& error) {
  const auto count = shortage_.count(base::coarse_now());
  if (!count) return;
  shared_.log.warning("no connection to a provider can be made: raise the limit of open files, or of local ports",
                      {{"reason", error.message}, {"times", std::to_string(*count)}});
}

base::Result<std::shared_ptr<const ChannelAddress>> UpstreamAccess::work_out(const ledger::ChannelRecord& channel) {
  auto url = base::Url::parse(channel.base_url);
  if (!url) return base::fail(url.error().code, "base URL: " + url.error().message, url.error().hint);
  std::optional<base::Url> proxy;
  if (!channel.proxy.empty()) {
    auto parsed = base::Url::parse(channel.proxy);
    if (!parsed) return base::fail(parsed.error().code, "proxy: " + parsed.error().message, parsed.error().hint);
    proxy = std::move(*parsed);
  }
  const auto files = tls_files(channel);
  auto tls = shared_.tls.look_up(files);
  if (!tls) return tl::unexpected(tls.error());
  auto address = std::make_shared<ChannelAddress>();
  address->authority = url->authority();
  address->key = {next_pool_key_++, static_cast<std::uint64_t>(channel.id.value)};
  address->has_certificates = !files.empty();
  const auto* host = provider::find_known_host(url->host);
  address->output_rate =
      channel.output_rate_max.value_or(provider::output_rate_max(provider::of(channel.kind), url->host));
  address->takes_usage_wish = host == nullptr || host->takes_usage_wish;
  address->target.url = std::move(*url);
  address->target.proxy = std::move(proxy);
  address->target.privates =
      channel.allow_private ? http::dns::PrivateAddresses::allow : http::dns::PrivateAddresses::refuse;
  address->target.connect_timeout = channel.timeout_connect;
  address->target.tls = std::move(*tls);
  return address;
}

void UpstreamAccess::log_surplus(std::uint64_t provider) {
  const auto snapshot = shared_.directory.get();
  const auto& channels = snapshot->channels();
  const auto found = std::find_if(channels.begin(), channels.end(), [&](const auto& channel) {
    return static_cast<std::uint64_t>(channel->id.value) == provider;
  });
  const auto name = found == channels.end() ? std::to_string(provider) : (*found)->name;
  const std::chrono::seconds time = http::client::DistrustedProviders::k_time;
  shared_.log.warning("the provider sent more than its answer: no connection to it is kept",
                      {{"channel", name}, {"for", base::format_duration(time)}});
}

std::string UpstreamAccess::take_text() {
  if (texts_.empty()) return {};
  auto text = std::move(texts_.back());
  texts_.pop_back();
  return text;
}

void UpstreamAccess::give_back(std::string&& text) {
  constexpr std::size_t k_texts_max = 64;
  constexpr std::size_t k_text_bytes_max = std::size_t{16} * 1024;
  base::wipe(text);
  if (texts_.size() < k_texts_max && text.capacity() <= k_text_bytes_max) texts_.push_back(std::move(text));
}

}  // namespace cr::relay::request
