// SPDX-License-Identifier: MIT
#include "relay/request/upload_stream.h"

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>

namespace cr::relay::request {

namespace asio = http::asio;
using http::client::AnswerOutcome;

namespace {

// read_head()'s while the request is being sent: its real deadline begins when that is done.
constexpr std::chrono::hours k_no_deadline{24 * 365};

}  // namespace

// The response's head, read while the request is still being sent. Shared with the coroutine that reads it.
struct UploadStream::EarlyHead {
  explicit EarlyHead(asio::io_context& io) : ended(io, std::chrono::steady_clock::time_point::max()) {}
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, http::Executor>
      ended;  // never expires: cancelled when the head, or none, has come
  AnswerOutcome outcome = AnswerOutcome::closed;
  bool done = false;
  bool sending = true;  // somebody waits for a socket that the response makes pointless
};

UploadStream::UploadStream(const RequestContext& context, BodySource& body,
                           http::client::UpstreamConnection& connection, const ledger::ChannelRecord& channel)
    : context_(context),
      body_(body),
      connection_(connection),
      channel_(channel),
      early_(std::make_shared<EarlyHead>(context.worker.io())),
      stall_(context.worker.heartbeat(), {.expired = [this] { give_up(); }, .hung_up = {}, .tick = {}}) {}

// The channel has read nothing for too long.
void UploadStream::give_up() {
  if (early_->done) return connection_.cancel_send();
  stalled_ = true;
  connection_.cancel();
}

// A head that has come does, but a success: its provider wants the rest all the same.
bool UploadStream::ends_sending(const EarlyHead& early, const http::client::UpstreamConnection& connection) {
  return early.done && (early.outcome != AnswerOutcome::ok || connection.head().status / 100 != 2);
}

http::Task<void> UploadStream::read_early(http::client::UpstreamConnection& connection,
                                          http::server::Connection& client, std::shared_ptr<EarlyHead> early) {
  early->outcome = co_await connection.read_head(k_no_deadline);
  early->done = true;
  early->ended.cancel();
  if (!early->sending || !ends_sending(*early, connection)) co_return;
  client.cancel_read();
  connection.cancel_send();
}

http::Task<AnswerOutcome> UploadStream::run(std::span<const asio::const_buffer> request) {
  connection_.begin_request();
  asio::co_spawn(context_.worker.io(), read_early(connection_, context_.client, early_), asio::detached);
  sent_ = co_await pass_on(request);
  early_->sending = false;
  body_.all_came(base::steady_now());
  if (body_.has_late_refusal() && !early_->done) {
    // The provider never got the last bytes its framing promises: a request it cannot take for whole, nor has to pay
    // for. That is why this is void and not an estimate.
    connection_.cancel();
  } else if (!early_->done) {
    connection_.answer_within(context_.time_left(body_.came_at(), channel_.timeout_first_byte));
  }
  if (!early_->done) co_await early_->ended.async_wait(http::k_await);
  if (!sent_) connection_.forbid_reuse();
  co_return body_.has_late_refusal() ? AnswerOutcome::cancelled : early_->outcome;
}

// True: the channel has the whole request.
http::Task<bool> UploadStream::pass_on(std::span<const asio::const_buffer> request) {
  stall_.expire_after(channel_.timeout_idle);
  bool ok = co_await connection_.send_piece(request);
  stall_.disarm();
  auto& client = context_.client;
  std::string_view piece;
  while (ok && !ends_sending(*early_, connection_) && !client.body_ended()) {
    const auto outcome = co_await client.read_piece(piece);
    if (ends_sending(*early_, connection_)) {  // that is what may have ended the read
      // A piece that came all the same went nowhere: nobody can get the whole form any more.
      if (!piece.empty()) body_.lose_piece();
      co_return false;
    }
    if (!body_.admit(outcome, piece, client.body_ended())) co_return false;
    if (piece.empty()) break;
    const auto buffers = body_.pass(piece);
    stall_.expire_after(channel_.timeout_idle);
    ok = co_await connection_.send_piece(buffers);
    stall_.disarm();
  }
  if (ok && body_.is_chunked()) {
    const std::array<asio::const_buffer, 1> last{asio::buffer(body_.last_chunk())};
    ok = co_await connection_.send_piece(last);
  }
  co_return ok&& client.body_ended();
}

}  // namespace cr::relay::request
