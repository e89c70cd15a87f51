// SPDX-License-Identifier: MIT
// UploadStream: passes the rest of a form from its client on to a channel, scanned before it is sent, with
// back-pressure both ways. The provider may respond before it has all: that counts then, and the sending ends, unless
// it is a success. One attempt each; worker thread. A template of both ends, so that its tests need no socket
// (upload_stream_steps.h).
#pragma once

#include <memory>
#include <span>

#include "http/client/upstream.h"
#include "http/net/heartbeat.h"
#include "http/server/connection.h"
#include "relay/request/body_source.h"
#include "relay/request/request_context.h"

namespace cr::relay::request {

// `Client` and `Upstream`: an http::server::Connection and an http::client::UpstreamConnection, or what can be read and
// written in pieces as they can. All that it refers to outlives it, and `upstream` its reading of the head.
template <class Client, class Upstream>
class BasicUploadStream {
 public:
  BasicUploadStream(const RequestContext& context, BodySource& body, Client& client, Upstream& upstream,
                    const ledger::ChannelRecord& channel, http::Heartbeat& heartbeat);

  // Sends `request`, the head with what is held of the body, and the rest as it comes; until a response's head has
  // come, or none will.
  http::Task<http::client::AnswerOutcome> run(std::span<const http::asio::const_buffer> request);
  bool sent() const { return sent_; }        // the channel has the whole request
  bool stalled() const { return stalled_; }  // it stopped reading

 private:
  struct EarlyHead;
  static bool ends_sending(const EarlyHead& early, const Upstream& upstream);
  static http::Task<void> read_early(Upstream& upstream, Client& client, std::shared_ptr<EarlyHead> early);
  http::Task<bool> pass_on(std::span<const http::asio::const_buffer> request);
  void give_up();

  const RequestContext& context_;
  BodySource& body_;
  Client& client_;
  Upstream& upstream_;
  const ledger::ChannelRecord& channel_;
  std::shared_ptr<EarlyHead> early_;
  http::Watch stall_;
  bool sent_ = false;
  bool stalled_ = false;
};

extern template class BasicUploadStream<http::server::Connection, http::client::UpstreamConnection>;
using UploadStream = BasicUploadStream<http::server::Connection, http::client::UpstreamConnection>;

}  // namespace cr::relay::request
