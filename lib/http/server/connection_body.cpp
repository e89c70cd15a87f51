// SPDX-License-Identifier: MIT
// Connection, bodies: whole, in pieces, or read away. What was read of one is a fact that framing_ keeps.
#include <algorithm>
#include <cstring>

#include "http/server/connection.h"

namespace cr::http::server {

namespace {

constexpr std::size_t k_piece_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t k_read_bytes = std::size_t{16} * 1024;  // at a time, of a body in chunks or one read away
constexpr std::uint64_t k_rest_bytes_max =
    std::uint64_t{64} * 1024;  // of a body that is read away between two requests
// A steady client may take as long as its body does at this rate, and body_timeout on top: the deadline of all of the
// body would cut a large one, and a deadline for each read alone would let one byte a minute hold a connection.
constexpr std::uint64_t k_bytes_per_second_min = std::uint64_t{16} * 1024;
constexpr std::string_view k_continue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

// The head is complete, and lies before the body in the buffer.
void Connection::begin_body(const message::RequestHead& head) {
  begin_ += head_result_.bytes;
  pinned_ = begin_;
  framing_ = message::BodyFraming(head);
  body_view_ = {};
  body_received_ = 0;
  body_waited_ = {};
  if (framing_.ended()) give_back();
  awaits_continue_ = head.expect_continue && !framing_.ended();
  body_lost_ = false;
}

Task<bool> Connection::say_continue() {
  if (!awaits_continue_) co_return true;
  awaits_continue_ = false;
  co_return co_await write(k_continue);
}

Task<ReadOutcome> Connection::read_body(std::uint64_t bytes_max, base::MemoryCharge* memory) {
  if (framing_.left() > bytes_max) co_return ReadOutcome::too_large;
  timed_out_ = false;
  watch_.expire_after(limits_->body_timeout);
  auto outcome = ReadOutcome::ok;
  if (framing_.chunked()) {
    outcome = co_await read_chunked_body(bytes_max, memory);
  } else if (!framing_.ended()) {
    outcome = co_await read_sized_body(memory);
  }
  watch_.disarm();
  if (outcome == ReadOutcome::ok) give_back();
  co_return outcome;
}

bool Connection::take_body(std::uint64_t bytes_max) {
  if (framing_.chunked() || framing_.left() > bytes_max || end_ - begin_ < framing_.left()) return false;
  keep_in_place(static_cast<std::size_t>(framing_.left()));
  give_back();
  return true;
}

// All of a body with a length, which has come into the buffer.
void Connection::keep_in_place(std::size_t size) {
  body_view_ = std::string_view(buffer_.get() + begin_, size);
  begin_ += size;
  pinned_ = begin_;
  framing_.took(size);
}

Task<ReadOutcome> Connection::read_of_body(char* place, std::size_t size, std::size_t& got) {
  read_cancelled_ = false;
  auto outcome = ReadOutcome::closed;
  if (tls_) {
    outcome = co_await read_tls(place, size, got);
  } else if (!cut_) {
    auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(place, size), k_await);
    got = bytes;
    outcome = outcome_of(error);
  }
  if (outcome != ReadOutcome::ok && !read_cancelled_) body_lost_ = true;
  co_return outcome;
}

Task<ReadOutcome> Connection::read_sized_body(base::MemoryCharge* memory) {
  const auto size = static_cast<std::size_t>(framing_.left());
  if (size <= capacity_ - begin_) {
    while (end_ - begin_ < size) {
      std::size_t got = 0;
      const auto outcome = co_await read_of_body(buffer_.get() + end_, capacity_ - end_, got);
      end_ += got;
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
    keep_in_place(size);
    co_return ReadOutcome::ok;
  }
  const auto arrived = end_ - begin_;  // less than the body: it would fit else
  body_.assign(buffer_.get() + begin_, arrived);
  begin_ = end_;
  framing_.took(arrived);
  while (!framing_.ended()) {
    // Grown with what arrives, not with what a head promises.
    auto filled = body_.size();
    const auto next = std::min(size, filled + std::max(filled / 2, k_piece_bytes_max));
    if (memory != nullptr && !memory->grow_to(next)) co_return ReadOutcome::no_room;
    if (!hold(buffers_bytes_, next)) co_return ReadOutcome::no_room;
    body_.resize(next);
    while (filled < body_.size()) {
      std::size_t got = 0;
      const auto outcome = co_await read_of_body(body_.data() + filled, body_.size() - filled, got);
      filled += got;
      framing_.took(got);
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
  }
  body_view_ = body_;
  co_return ReadOutcome::ok;
}

Task<ReadOutcome> Connection::read_chunked_body(std::uint64_t bytes_max, base::MemoryCharge* memory) {
  body_.clear();
  while (!framing_.ended()) {
    if (!has_buffered()) {
      const auto outcome = co_await fill(k_read_bytes);
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
    const auto data = take_buffered(k_piece_bytes_max);
    if (framing_.malformed()) co_return ReadOutcome::refused;
    if (body_.size() + data.size() > bytes_max) co_return ReadOutcome::too_large;
    const auto next = body_.size() + data.size();
    if ((memory != nullptr && !memory->grow_to(next)) || !hold(buffers_bytes_, next)) co_return ReadOutcome::no_room;
    body_.append(data);
  }
  body_view_ = body_;
  co_return ReadOutcome::ok;
}

Task<ReadOutcome> Connection::read_piece(std::string_view& piece) {
  piece = {};
  while (piece.empty() && !framing_.ended()) {
    if (!has_buffered()) {
      const auto outcome = co_await fill_piece();
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
    const auto data = take_buffered(k_piece_bytes_max);
    if (framing_.malformed()) co_return ReadOutcome::refused;
    piece = data;
  }
  if (framing_.ended()) give_back();
  co_return ReadOutcome::ok;
}

// What the buffer has of the body, of at most `most` bytes off the wire; the view holds until more is read.
std::string_view Connection::take_buffered(std::size_t most) {
  char* const first = buffer_.get() + begin_;
  const auto taken = framing_.take(first, std::min(most, end_ - begin_));
  begin_ += taken.raw;
  body_received_ += taken.raw;
  return {first, taken.size};
}

// More of what the client sends, behind what the buffer has.
Task<ReadOutcome> Connection::fill(std::size_t room) {
  if (!make_room(room)) {
    body_lost_ = true;
    co_return ReadOutcome::no_room;
  }
  std::size_t got = 0;
  const auto outcome = co_await read_of_body(buffer_.get() + end_, capacity_ - end_, got);
  end_ += got;
  co_return outcome;
}

Task<ReadOutcome> Connection::fill_piece() {
  const auto earned = std::chrono::milliseconds(body_received_ * 1000 / k_bytes_per_second_min);
  const auto left = limits_->body_timeout + earned - body_waited_;
  const auto most =
      framing_.chunked() ? k_piece_bytes_max : std::min<std::uint64_t>(k_piece_bytes_max, framing_.left());
  timed_out_ = false;
  const auto began = base::coarse_now();
  watch_.expire_after(std::clamp(left, std::chrono::milliseconds(0), limits_->body_timeout));
  const auto outcome = co_await fill(static_cast<std::size_t>(most));
  watch_.disarm();
  // Only its own time counts against a client: not what the upstream took to read.
  body_waited_ += std::chrono::duration_cast<std::chrono::milliseconds>(base::coarse_now() - began);
  co_return outcome;
}

void Connection::drop_body() {
  std::string().swap(body_);
  body_view_ = {};
  give_back();
}

void Connection::cancel_read() {
  read_cancelled_ = true;
  SystemError ignored;
  socket_.cancel(ignored);
}

bool Connection::must_drain() const {
  if (framing_.ended() || framing_.malformed() || body_lost_ || cut_) return false;
  return !awaits_continue_ || has_buffered();  // else it sends no body now that it has an answer
}

bool Connection::can_go_on() const {
  if (framing_.ended()) return true;
  return must_drain() && !awaits_continue_ && !framing_.chunked() && framing_.left() <= k_rest_bytes_max;
}

Task<bool> Connection::drain_body() {
  if (framing_.ended() || !must_drain()) co_return framing_.ended();
  drop_body();
  timed_out_ = false;
  watch_.expire_after(limits_->drain_timeout);
  const auto most = body_received_ + limits_->drain_bytes_max;
  while (!framing_.ended() && !framing_.malformed() && body_received_ < most) {
    if (!has_buffered()) {
      const auto outcome = co_await fill(k_read_bytes);
      if (outcome != ReadOutcome::ok) break;
    }
    take_buffered(k_piece_bytes_max);
  }
  watch_.disarm();
  body_lost_ = !framing_.ended();
  co_return framing_.ended();
}

}  // namespace cr::http::server
