// SPDX-License-Identifier: MIT
// The definitions of BasicUploadStream, for upload_stream.cpp and for tests with ends of their own.
#pragma once

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>

#include "relay/request/upload_stream.h"

namespace cr::relay::request {

// The response's head, read while the request is still being sent. Shared with the coroutine that reads it.
template <class Client, class Upstream>
struct BasicUploadStream<Client, Upstream>::EarlyHead {
  explicit EarlyHead(const http::Executor& executor) : ended(executor, std::chrono::steady_clock::time_point::max()) {}
  http::asio::basic_waitable_timer<std::chrono::steady_clock, http::asio::wait_traits<std::chrono::steady_clock>,
                                   http::Executor>
      ended;  // never expires: cancelled when the head, or none, has come
  http::client::AnswerOutcome outcome = http::client::AnswerOutcome::closed;
  bool done = false;
  bool sending = true;  // somebody waits for a socket that the response makes pointless
};

template <class Client, class Upstream>
BasicUploadStream<Client, Upstream>::BasicUploadStream(const RequestContext& context, BodySource& body, Client& client,
                                                       Upstream& upstream, const ledger::ChannelRecord& channel,
                                                       http::Heartbeat& heartbeat)
    : context_(context),
      body_(body),
      client_(client),
      upstream_(upstream),
      channel_(channel),
      early_(std::make_shared<EarlyHead>(client.executor())),
      stall_(heartbeat, {.expired = [this] { give_up(); }, .hung_up = {}, .tick = {}}) {}

// The channel has read nothing for too long.
template <class Client, class Upstream>
void BasicUploadStream<Client, Upstream>::give_up() {
  if (early_->done) return upstream_.cancel_send();
  stalled_ = true;
  upstream_.cancel();
}

// A head that has come does, but a success: its provider wants the rest all the same.
template <class Client, class Upstream>
bool BasicUploadStream<Client, Upstream>::ends_sending(const EarlyHead& early, const Upstream& upstream) {
  return early.done && (early.outcome != http::client::AnswerOutcome::ok || upstream.head().status / 100 != 2);
}

template <class Client, class Upstream>
http::Task<void> BasicUploadStream<Client, Upstream>::read_early(Upstream& upstream, Client& client,
                                                                 std::shared_ptr<EarlyHead> early) {
  early->outcome = co_await upstream.read_head(std::chrono::hours(24 * 365));
  early->done = true;
  early->ended.cancel();
  if (!early->sending || !ends_sending(*early, upstream)) co_return;
  client.cancel_read();
  upstream.cancel_send();
}

template <class Client, class Upstream>
http::Task<http::client::AnswerOutcome> BasicUploadStream<Client, Upstream>::run(
    std::span<const http::asio::const_buffer> request) {
  upstream_.begin_request();
  http::asio::co_spawn(client_.executor(), read_early(upstream_, client_, early_), http::asio::detached);
  sent_ = co_await pass_on(request);
  early_->sending = false;
  body_.all_came(base::steady_now());
  if (body_.has_late_refusal() && !early_->done) {
    // The provider never got the last bytes its framing promises: a request it cannot take for whole, nor has to pay
    // for. That is why this is void and not an estimate.
    upstream_.cancel();
  } else if (!early_->done) {
    upstream_.answer_within(context_.time_left(body_.came_at(), channel_.timeout_first_byte));
  }
  if (!early_->done) co_await early_->ended.async_wait(http::k_await);
  if (!sent_) upstream_.forbid_reuse();
  co_return body_.has_late_refusal() ? http::client::AnswerOutcome::cancelled : early_->outcome;
}

// True: the channel has the whole request.
template <class Client, class Upstream>
http::Task<bool> BasicUploadStream<Client, Upstream>::pass_on(std::span<const http::asio::const_buffer> request) {
  stall_.expire_after(channel_.timeout_idle);
  bool ok = co_await upstream_.send_piece(request);
  stall_.disarm();
  std::string_view piece;
  while (ok && !ends_sending(*early_, upstream_) && !client_.body_ended()) {
    const auto outcome = co_await client_.read_piece(piece);
    if (ends_sending(*early_, upstream_)) {  // that is what may have ended the read
      // A piece that came all the same went nowhere: nobody can get the whole form any more.
      if (!piece.empty()) body_.lose_piece();
      co_return false;
    }
    if (!body_.admit(outcome, piece, client_.body_ended())) co_return false;
    if (piece.empty()) break;
    const auto buffers = body_.pass(piece);
    stall_.expire_after(channel_.timeout_idle);
    ok = co_await upstream_.send_piece(buffers);
    stall_.disarm();
  }
  if (ok && body_.is_chunked()) {
    const std::array<http::asio::const_buffer, 1> last{http::asio::buffer(body_.last_chunk())};
    ok = co_await upstream_.send_piece(last);
  }
  co_return ok&& client_.body_ended();
}

}  // namespace cr::relay::request
