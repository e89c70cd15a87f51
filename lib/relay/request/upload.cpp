// SPDX-License-Identifier: MIT
// Exchange, uploads: the rest of a form streams from the client to the channel, scanned before it is sent, with
// back-pressure both ways.
#include "relay/request/upload.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "relay/request/exchange.h"

namespace cr::relay::request {

namespace asio = http::asio;

namespace {

// read_head()'s while the request is being sent: its real deadline begins when that is done.
constexpr std::chrono::hours k_no_deadline{24 * 365};

// An answer that has begun does, but a success: its provider wants the rest all the same.
bool ends_sending(const EarlyHead& early, const http::client::UpstreamConnection& connection) {
  return early.done && (early.outcome != http::client::AnswerOutcome::ok || connection.head().status / 100 != 2);
}

http::Task<void> read_early(http::client::UpstreamConnection& connection, http::server::Connection& client,
                            std::shared_ptr<EarlyHead> early) {
  early->outcome = co_await connection.read_head(k_no_deadline);
  early->done = true;
  early->ended.cancel();
  if (!early->sending || !ends_sending(*early, connection)) co_return;
  client.cancel_read();
  connection.cancel_send();
}

}  // namespace

// A provider may answer before it has all: its answer counts then, and sending ends, unless it is a success.
http::Task<http::client::AnswerOutcome> Exchange::send_upload(http::client::UpstreamConnection& connection) {
  const auto early = std::make_shared<EarlyHead>(lane_.io());
  http::Watch stall(lane_.heartbeat(), {.expired =
                                            [this, &connection, early] {
                                              if (early->done) return connection.cancel_send();
                                              upload_stalled_ = true;
                                              connection.cancel();
                                            },
                                        .hung_up = {},
                                        .tick = {}});
  connection.begin_request();
  asio::co_spawn(lane_.io(), read_early(connection, client_, early), asio::detached);
  sent_ = co_await pass_on(connection, *early, stall);
  early->sending = false;
  body_.all_came(base::steady_now());
  if (body_.has_late_refusal() && !early->done) {
    // The provider never got the last bytes its framing promises: a request it cannot take for whole, nor has to pay
    // for. That is why this is void and not an estimate.
    connection.cancel();
  } else if (!early->done) {
    connection.answer_within(time_left(channel_->timeout_first_byte));
  }
  if (!early->done) co_await early->ended.async_wait(http::k_await);
  if (!sent_) connection.forbid_reuse();
  co_return body_.has_late_refusal() ? http::client::AnswerOutcome::cancelled : early->outcome;
}

// True: the channel has the whole request.
http::Task<bool> Exchange::pass_on(http::client::UpstreamConnection& connection, const EarlyHead& early,
                                   http::Watch& stall) {
  stall.expire_after(channel_->timeout_idle);
  bool ok = co_await connection.send_piece(request_.buffers);
  stall.disarm();
  std::string_view piece;
  while (ok && !ends_sending(early, connection) && !client_.body_ended()) {
    const auto outcome = co_await client_.read_piece(piece);
    if (ends_sending(early, connection)) {  // that is what may have ended the read
      // A piece that came all the same went nowhere: nobody can get the whole form any more.
      if (!piece.empty()) body_.lose_piece();
      co_return false;
    }
    if (!body_.admit(outcome, piece, client_.body_ended())) co_return false;
    if (piece.empty()) break;
    const auto buffers = body_.pass(piece);
    stall.expire_after(channel_->timeout_idle);
    ok = co_await connection.send_piece(buffers);
    stall.disarm();
  }
  if (ok && body_.is_chunked()) {
    const std::array<asio::const_buffer, 1> last{asio::buffer(body_.last_chunk())};
    ok = co_await connection.send_piece(last);
  }
  co_return ok&& client_.body_ended();
}

Attempt Exchange::failed_upload() {
  const bool ours = body_.has_late_refusal() || writer_.client_gone() || body_.client_left();
  if (!ours && upload_stalled_) return stopped_reading();
  auto attempt = broke_off();
  if (body_.has_late_refusal()) attempt.refusal = *body_.late_refusal();
  return attempt;
}

}  // namespace cr::relay::request
