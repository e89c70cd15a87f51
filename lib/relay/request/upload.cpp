// SPDX-License-Identifier: MIT
// Exchange, uploads: forms with files. Held as far as it takes to decide; then the rest streams from the client to the
// channel, scanned before it is sent, with back-pressure both ways.
#include "relay/request/upload.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <charconv>

#include "relay/request/exchange.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;
namespace asio = http::asio;

namespace {

// Up to here a form is read whole, so that it can go to a second channel.
constexpr std::uint64_t k_whole_bytes_max = std::uint64_t{1024} * 1024;
constexpr std::string_view k_line_end = "\r\n";
constexpr std::string_view k_last_chunk = "0\r\n\r\n";
// read_head()'s while the request is being sent: its real deadline begins when that is done.
constexpr std::chrono::hours k_no_deadline{24 * 365};

std::string size_line(std::size_t size) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end).append(k_line_end);
}

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

Refusal model_is_late(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the form's first " + std::to_string(bytes_max) +
              " bytes ('body_bytes_max') have no model: send the model field before the file",
          "model",
          {}};
}

Refusal form_too_large(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the form is larger than " + std::to_string(bytes_max) + " bytes ('upload_bytes_max')",
          {},
          {}};
}

}  // namespace

// Nothing is sent that has not passed the scanner, and the last piece of a body only once the form has proved whole.
Exchange::MaybeRefusal Exchange::judge_piece(http::server::ReadOutcome outcome, std::string_view piece) {
  auto refusal = refusal_of_body(outcome);
  if (!refusal) refusal = push_form(piece);
  if (!refusal && client_.body_ended()) refusal = upload_->form.finish();
  return refusal;
}

Exchange::MaybeRefusal Exchange::push_form(std::string_view bytes) {
  upload_->received += bytes.size();
  if (upload_->received > settings_->upload_bytes_max) return form_too_large(settings_->upload_bytes_max);
  auto refusal = upload_->form.push(bytes);
  if (!refusal && hold_ && upload_->form.scan().choices > scan().choices) {
    refusal = Refusal{RefusalCode::invalid_value, "n came after the file: send it before the file", "n", {}};
  }
  return refusal;
}

void Exchange::drop_held() {
  client_.drop_body();
  body_memory_->shrink_to(0);
}

// A form whose model is known may stream on from here; what comes before it is held.
http::Task<Exchange::MaybeRefusal> Exchange::read_form() {
  const auto held_max = settings_->body_bytes_max;
  if (head_.content_length.value_or(0) > settings_->upload_bytes_max)
    co_return form_too_large(settings_->upload_bytes_max);
  if (!co_await client_.say_continue()) client_gone_ = true;
  MaybeRefusal refusal;
  if (coded_) refusal = co_await read_body();  // held whole, since nobody knows its length before
  while (!refusal && !client_.body_ended() && !upload_->streams) {
    std::string_view piece;
    const auto outcome = co_await client_.read_piece(piece);
    refusal = refusal_of_body(outcome);
    const auto held = client_.body().size() + piece.size();
    if (!refusal) refusal = keep(piece, held);
    if (refusal) break;
    const bool known = upload_->form.has_model();
    if (held > held_max && !known) refusal = model_is_late(held_max);
    upload_->streams = known && held >= std::min(k_whole_bytes_max, held_max) && !client_.body_ended();
  }
  if (!refusal && !upload_->streams) refusal = upload_->form.finish();
  if (!refusal) waiting_since_ = base::steady_now();
  co_return refusal;
}

// What is held goes out as one chunk.
void Exchange::frame_upload() {
  auto& buffers = request_.buffers;
  upload_->size_line = size_line(asio::buffer_size(buffers) - request_.head.size());
  buffers.insert(buffers.begin() + 1, asio::buffer(upload_->size_line));
  buffers.push_back(asio::buffer(k_line_end));
}

// A provider may answer before it has all: its answer counts then, and sending ends, unless it is a success.
http::Task<http::client::AnswerOutcome> Exchange::send_upload(http::client::UpstreamConnection& connection) {
  const auto early = std::make_shared<EarlyHead>(lane_.io());
  http::Watch stall(lane_.heartbeat(), {.expired =
                                            [this, &connection, early] {
                                              if (early->done) return connection.cancel_send();
                                              upload_->stalled = true;
                                              connection.cancel();
                                            },
                                        .hung_up = {},
                                        .tick = {}});
  connection.begin_request();
  asio::co_spawn(lane_.io(), read_early(connection, client_, early), asio::detached);
  sent_ = co_await pass_on(connection, *early, stall);
  early->sending = false;
  waiting_since_ = base::steady_now();
  if (upload_->refusal && !early->done) {
    // The provider never got the last bytes its framing promises: a request it cannot take for whole, nor has to pay
    // for. That is why this is void and not an estimate.
    connection.cancel();
  } else if (!early->done) {
    connection.answer_within(time_left(channel_->timeout_first_byte));
  }
  if (!early->done) co_await early->ended.async_wait(http::k_await);
  if (!sent_) connection.forbid_reuse();
  co_return upload_->refusal ? http::client::AnswerOutcome::cancelled : early->outcome;
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
      upload_->passed_on = upload_->passed_on || !piece.empty();
      co_return false;
    }
    if (auto refusal = judge_piece(outcome, piece)) {
      upload_->refusal = std::move(refusal);
      co_return false;
    }
    if (piece.empty()) break;
    upload_->passed_on = true;
    drop_held();
    const auto size = head_.chunked ? size_line(piece.size()) : std::string();
    const auto end = head_.chunked ? k_line_end : std::string_view();
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(size), asio::buffer(piece), asio::buffer(end)};
    stall.expire_after(channel_->timeout_idle);
    ok = co_await connection.send_piece(buffers);
    stall.disarm();
  }
  if (ok && head_.chunked) {
    const std::array<asio::const_buffer, 1> last{asio::buffer(k_last_chunk)};
    ok = co_await connection.send_piece(last);
  }
  co_return ok&& client_.body_ended();
}

Attempt Exchange::failed_upload() {
  const bool ours = upload_->refusal || client_gone_ || was_cut_;
  if (!ours && upload_->stalled) return stopped_reading();
  auto attempt = broke_off();
  if (upload_->refusal) attempt.refusal = *upload_->refusal;
  return attempt;
}

}  // namespace cr::relay::request
