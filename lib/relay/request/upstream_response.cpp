// SPDX-License-Identifier: MIT
#include "relay/request/upstream_response.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "relay/request/coded_body.h"

namespace cr::relay::request {

using State = ResponseStep::State;

struct UpstreamResponse::Echo {
  Echo(http::asio::io_context& io, provider::LocalResponse what, std::chrono::milliseconds wait)
      : answer(std::move(what)), delay(wait), timer(io) {}
  provider::LocalResponse answer;
  std::chrono::milliseconds delay;
  http::asio::basic_waitable_timer<std::chrono::steady_clock, http::asio::wait_traits<std::chrono::steady_clock>,
                                   http::Executor>
      timer;
  std::size_t next = 0;
  bool waited = false;
};

// What of it is not undone yet lies in the connection's buffer.
struct UpstreamResponse::Coded {
  explicit Coded(http::coding::ContentCoding coding) : body(coding) {}
  CodedBody body;
  std::string_view left;
  bool has_more = false;
};

namespace {

std::optional<http::coding::ContentCoding> coding_of(const http::message::ResponseHead& head) {
  if (!head.find("content-encoding")) return http::coding::ContentCoding::identity;
  return http::coding::parse_content_coding(content_encoding(head.fields));
}

// Of a body that does not say so (RFC 1952, 2.3.1; RFC 8878, 3.1.1). Nothing that is answered begins like that.
constexpr std::string_view k_gzip_begin("\x1f\x8b\x08", 3), k_zstd_begin("\x28\xb5\x2f\xfd", 4);
std::optional<http::coding::ContentCoding> coding_by_its_bytes(std::string_view bytes) {
  if (bytes.starts_with(k_gzip_begin)) return http::coding::ContentCoding::gzip;
  if (bytes.starts_with(k_zstd_begin)) return http::coding::ContentCoding::zstd;
  return std::nullopt;
}

// Too few to tell.
bool may_begin_coded(std::string_view bytes) {
  return bytes.size() < k_zstd_begin.size() && (k_gzip_begin.starts_with(bytes) || k_zstd_begin.starts_with(bytes));
}

State state_of(http::client::BodyState state) {
  switch (state) {
    case http::client::BodyState::data:
      return State::data;
    case http::client::BodyState::done:
      return State::done;
    case http::client::BodyState::garbage:
      return State::garbage;
    case http::client::BodyState::need_more:
      break;
  }
  return State::need_more;
}

ResponseStep state_and_data(const http::client::BodyStep& step) {
  return {state_of(step.state), step.data};
}

}  // namespace

bool UpstreamResponse::can_read(const http::message::ResponseHead& head) {
  return coding_of(head).has_value();
}

UpstreamResponse::UpstreamResponse(http::client::UpstreamPool& pool, const http::client::PoolKey& key,
                                   std::unique_ptr<http::client::UpstreamConnection> connection, base::SteadyTime until)
    : status_(connection->head().status),
      content_length_(connection->head().content_length),
      pool_(&pool),
      pool_key_(key),
      connection_(std::move(connection)),
      until_(until) {
  const auto& head = connection_->head();
  const auto coding = coding_of(head).value_or(http::coding::ContentCoding::identity);
  if (coding != http::coding::ContentCoding::identity) {
    coded_ = std::make_shared<Coded>(coding);
    content_length_.reset();
  }
  if (const auto type = head.find("content-type")) content_type_ = *type;
  if (const auto retry = head.find("retry-after")) retry_after_ = *retry;
}

UpstreamResponse::UpstreamResponse(http::asio::io_context& io, provider::LocalResponse answer,
                                   std::chrono::milliseconds delay)
    : content_type_(answer.content_type), echo_(std::make_shared<Echo>(io, std::move(answer), delay)) {
  if (!is_event_stream()) {
    std::uint64_t size = 0;
    for (const auto& piece : echo_->answer.pieces) size += piece.size();
    content_length_ = size;
  }
}

UpstreamResponse& UpstreamResponse::operator=(UpstreamResponse&& other) noexcept {
  release();
  status_ = other.status_;
  content_type_ = std::move(other.content_type_);
  content_length_ = other.content_length_;
  retry_after_ = std::move(other.retry_after_);
  failed_ = other.failed_;
  cancelled_ = other.cancelled_;
  is_put_back_ = other.is_put_back_;
  put_back_ = std::move(other.put_back_);
  pool_ = other.pool_;
  pool_key_ = other.pool_key_;
  connection_ = std::move(other.connection_);
  until_ = other.until_;
  echo_ = std::move(other.echo_);
  coded_ = std::move(other.coded_);
  begun_ = other.begun_;
  first_ = std::move(other.first_);
  return *this;
}

UpstreamResponse::~UpstreamResponse() {
  release();
}

void UpstreamResponse::release() {
  if (connection_) pool_->give_back(pool_key_, std::move(connection_));
}

bool UpstreamResponse::is_event_stream() const {
  constexpr std::string_view k_type = "text/event-stream";
  return content_type_.size() >= k_type.size() &&
         base::equals_ignoring_case(std::string_view(content_type_).substr(0, k_type.size()), k_type);
}

void UpstreamResponse::put_back(std::string&& bytes) {
  is_put_back_ = !bytes.empty();
  put_back_ = std::move(bytes);
}

ResponseStep UpstreamResponse::step() {
  if (std::exchange(is_put_back_, false)) return {State::data, put_back_};
  if (failed_) return {*failed_, {}};
  if (echo_) {
    if (echo_->next == echo_->answer.pieces.size()) return {State::done, {}};
    if (echo_->delay.count() > 0 && !echo_->waited) return {State::need_more, {}};
    echo_->waited = false;
    return {State::data, echo_->answer.pieces[echo_->next++]};
  }
  if (coded_) return undo_coding();
  return begun_ ? state_and_data(connection_->step()) : begin();
}

// The first bytes show whether the body is in a coding that its head does not name; they may come one by one.
ResponseStep UpstreamResponse::begin() {
  const bool sound = content_type_.starts_with("audio/");
  for (;;) {
    const auto step = connection_->step();
    const bool data = step.state == http::client::BodyState::data;
    const bool all_came = step.state == http::client::BodyState::done && !first_.empty();
    if (!data && !all_came) return state_and_data(step);
    const bool few = !sound && (!first_.empty() || may_begin_coded(step.data));
    if (few) first_.append(step.data);
    const auto bytes = few ? std::string_view(first_) : step.data;
    const auto coding = sound ? std::nullopt : coding_by_its_bytes(bytes);
    if (data && few && !coding && may_begin_coded(bytes)) continue;
    begun_ = true;
    return coding ? begin_undoing(*coding, bytes) : ResponseStep{State::data, bytes};
  }
}

ResponseStep UpstreamResponse::begin_undoing(http::coding::ContentCoding coding, std::string_view first) {
  coded_ = std::make_shared<Coded>(coding);
  content_length_.reset();
  coded_->left = first;
  coded_->has_more = true;
  coded_->body.received = first.size();
  return undo_coding();
}

std::uint64_t UpstreamResponse::held_bytes() const {
  return coded_ ? std::min(coded_->body.decoded, http::coding::Decoder::k_own_bytes_of_answer_max) : 0;
}

// Never an empty piece: in chunks it would be the last one.
ResponseStep UpstreamResponse::undo_coding() {
  auto& body = coded_->body;
  for (;;) {
    if (!coded_->has_more) {
      const auto step = connection_->step();
      if (step.state == http::client::BodyState::done && body.received > 0 && !body.decoder->is_whole())
        return {State::cut, {}};
      if (step.state != http::client::BodyState::data) return {state_of(step.state), {}};
      coded_->left = step.data;
      body.received += step.data.size();
    }
    std::size_t size = 0;
    const auto state = body.decoder->decode(coded_->left, body.room.data(), body.room.size(), size);
    body.decoded += size;
    if (state == http::coding::DecodeState::garbage || http::coding::is_bomb(body.received, body.decoded))
      return {State::garbage, {}};
    coded_->has_more = state == http::coding::DecodeState::wants_room;
    if (size > 0) return {State::data, {body.room.data(), size}};
  }
}

http::Task<void> UpstreamResponse::fill(std::chrono::milliseconds timeout) {
  if (cancelled_) {
    failed_ = State::cancelled;
    co_return;
  }
  if (echo_) {
    echo_->timer.expires_after(echo_->delay);
    co_await echo_->timer.async_wait(http::k_await);
    echo_->waited = true;
    if (cancelled_) failed_ = State::cancelled;
    co_return;
  }
  // Looked at here: an answer that never pauses would outrun a deadline that only a wait can miss.
  const auto now = base::coarse_now();
  if (now >= until_) {
    failed_ = State::timed_out;
    co_return;
  }
  timeout = std::min(timeout, std::chrono::ceil<std::chrono::milliseconds>(until_ - now));
  // Named first: GCC 12 breaks a coroutine that awaits in a switch's own condition.
  const auto outcome = co_await connection_->fill(timeout);
  switch (outcome) {
    case http::client::AnswerOutcome::ok:
      break;
    case http::client::AnswerOutcome::timed_out:
      failed_ = State::timed_out;
      break;
    case http::client::AnswerOutcome::cancelled:
      failed_ = State::cancelled;
      break;
    case http::client::AnswerOutcome::garbage:
      failed_ = State::garbage;
      break;
    case http::client::AnswerOutcome::closed:
    case http::client::AnswerOutcome::cut:
      failed_ = State::cut;
      break;
  }
}

void UpstreamResponse::cancel() {
  cancelled_ = true;
  if (echo_) echo_->timer.cancel();
  if (connection_) connection_->cancel();
}

}  // namespace cr::relay::request
