// SPDX-License-Identifier: MIT
#include "relay/request/answer_source.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <utility>

#include "base/text.h"

namespace cr::relay::request {

using State = SourceStep::State;

struct AnswerSource::Echo {
  Echo(http::asio::io_context& io, provider::EchoAnswer what, std::chrono::milliseconds wait)
      : answer(std::move(what)), delay(wait), timer(io) {}
  provider::EchoAnswer answer;
  std::chrono::milliseconds delay;
  http::asio::basic_waitable_timer<std::chrono::steady_clock, http::asio::wait_traits<std::chrono::steady_clock>,
                                   http::Executor>
      timer;
  std::size_t next = 0;
  bool waited = false;
};

AnswerSource::AnswerSource(http::client::UpstreamPool& pool, const http::client::PoolKey& key,
                           std::unique_ptr<http::client::UpstreamConnection> connection, base::SteadyTime until)
    : status_(connection->head().status),
      content_length_(connection->head().content_length),
      pool_(&pool),
      pool_key_(key),
      connection_(std::move(connection)),
      until_(until) {
  const auto& head = connection_->head();
  if (const auto type = head.find("content-type")) content_type_ = *type;
  if (const auto retry = head.find("retry-after")) retry_after_ = *retry;
}

AnswerSource::AnswerSource(http::asio::io_context& io, provider::EchoAnswer answer, std::chrono::milliseconds delay)
    : content_type_(answer.content_type), echo_(std::make_shared<Echo>(io, std::move(answer), delay)) {
  if (!is_event_stream()) {
    std::uint64_t size = 0;
    for (const auto& piece : echo_->answer.pieces) size += piece.size();
    content_length_ = size;
  }
}

AnswerSource& AnswerSource::operator=(AnswerSource&& other) noexcept {
  release();
  status_ = other.status_;
  content_type_ = std::move(other.content_type_);
  content_length_ = other.content_length_;
  retry_after_ = std::move(other.retry_after_);
  failed_ = other.failed_;
  cancelled_ = other.cancelled_;
  pool_ = other.pool_;
  pool_key_ = other.pool_key_;
  connection_ = std::move(other.connection_);
  until_ = other.until_;
  echo_ = std::move(other.echo_);
  return *this;
}

AnswerSource::~AnswerSource() {
  release();
}

void AnswerSource::release() {
  if (connection_) pool_->give_back(pool_key_, std::move(connection_));
}

bool AnswerSource::is_event_stream() const {
  constexpr std::string_view k_type = "text/event-stream";
  return content_type_.size() >= k_type.size() &&
         base::equals_ignoring_case(std::string_view(content_type_).substr(0, k_type.size()), k_type);
}

SourceStep AnswerSource::step() {
  if (failed_) return {*failed_, {}};
  if (echo_) {
    if (echo_->next == echo_->answer.pieces.size()) return {State::done, {}};
    if (echo_->delay.count() > 0 && !echo_->waited) return {State::need_more, {}};
    echo_->waited = false;
    return {State::data, echo_->answer.pieces[echo_->next++]};
  }
  const auto step = connection_->step();
  switch (step.state) {
    case http::client::BodyState::data:
      return {State::data, step.data};
    case http::client::BodyState::done:
      return {State::done, {}};
    case http::client::BodyState::garbage:
      return {State::garbage, {}};
    case http::client::BodyState::need_more:
      break;
  }
  return {State::need_more, {}};
}

http::Task<void> AnswerSource::fill(std::chrono::milliseconds timeout) {
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

void AnswerSource::cancel() {
  cancelled_ = true;
  if (echo_) echo_->timer.cancel();
  if (connection_) connection_->cancel();
}

}  // namespace cr::relay::request
