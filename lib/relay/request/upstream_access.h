// SPDX-License-Identifier: MIT
// UpstreamAccess: what one worker needs to send requests to providers: pooled connections, resolved names, where each
// channel's requests go, and room for their heads. Worker thread only; what it refers to outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/rare_line.h"
#include "http/client/upstream_pool.h"
#include "http/dns/egress_policy.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/tls/tls_contexts.h"
#include "ledger/core/directory.h"
#include "relay/request/learnt_edits.h"

namespace cr::relay::request {

// Where a channel's requests go, worked out once for each revision of it.
struct ChannelAddress {
  http::client::UpstreamTarget target;
  std::string authority;          // for Host
  bool has_certificates = false;  // files of its own
  bool takes_usage_wish = true;   // a stream may be asked for its usage (provider/kinds/known_hosts.h)
  std::int64_t output_rate = 0;   // model tokens a second that one response has at most
  http::client::PoolKey key;      // another address whenever it is worked out anew
};

// The certificate files a channel names.
http::tls::TlsFiles tls_files(const ledger::ChannelRecord& channel);

class UpstreamAccess {
 public:
  // What it shares with the other workers.
  struct Shared {
    base::Log& log;
    http::tls::TlsContexts& tls;
    http::dns::DnsResolver& names;
    http::client::DistrustedProviders& distrusted;
    LearntEdits& learnt;
    const ledger::DirectoryFeed& directory;  // of the channels' names, for the log
  };
  // `idle_each_max`: idle connections kept for one channel.
  UpstreamAccess(http::asio::io_context& io, http::Heartbeat& heartbeat, const Shared& shared,
                 std::size_t idle_each_max);

  http::asio::io_context& io() { return io_; }
  http::Heartbeat& heartbeat() { return heartbeat_; }
  http::dns::EgressPolicy& resolver() { return resolver_; }
  http::client::UpstreamPool& pool() { return pool_; }
  LearntEdits& learnt() { return shared_.learnt; }
  // After a reload, which may have read channels' certificate files again.
  void reload(std::size_t idle_each_max);

  // An error was logged. Kept by its user: a reload or many edits make the worker forget it.
  base::Result<std::shared_ptr<const ChannelAddress>> address_of(const ledger::ChannelRecord& channel);

  // A line, now and then: this machine has no descriptor or port left to connect with.
  void note_shortage(const base::Error& error);

  // A string that already has room; wiped when it comes back, since heads to providers carry keys.
  std::string take_text();
  void give_back(std::string&& text);

 private:
  void log_surplus(std::uint64_t provider);
  base::Result<std::shared_ptr<const ChannelAddress>> work_out(const ledger::ChannelRecord& channel);

  http::asio::io_context& io_;
  http::Heartbeat& heartbeat_;
  const Shared shared_;
  http::dns::EgressPolicy resolver_;
  http::client::UpstreamPool pool_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const ChannelAddress>> addresses_;
  std::uint64_t next_pool_key_ = 0;
  base::RareLine shortage_;
  std::vector<std::string> texts_;
};

}  // namespace cr::relay::request
