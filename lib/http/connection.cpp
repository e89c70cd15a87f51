// SPDX-License-Identifier: MIT
#include "http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "http/body_pieces.h"
#include "http/chunked.h"

namespace cr::http {

namespace {

constexpr std::size_t k_first_buffer_bytes = 4 * 1024;
constexpr std::size_t k_skip_body_bytes_max = 64 * 1024;
constexpr std::size_t k_linger_bytes_max = 1024 * 1024;
constexpr std::chrono::milliseconds k_linger_timeout{2'000};
constexpr std::size_t k_keep_body_bytes_max = 64 * 1024;
constexpr char k_tls_handshake = 22;  // the first byte of a ClientHello's record (RFC 8446, 5.1)

base::IpAddress address_of(const Socket& socket) {
  ErrorCode error;
  const auto endpoint = socket.remote_endpoint(error);
  base::IpAddress address;
  if (error) return address;
  if (endpoint.address().is_v6()) {
    const auto bytes = endpoint.address().to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
    return address;
  }
  const auto bytes = endpoint.address().to_v4().to_bytes();
  address.bytes[10] = address.bytes[11] = 0xff;
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin() + 12);
  return address;
}

}  // namespace

Connection::Connection(Socket socket, Heartbeat& heartbeat, std::shared_ptr<const ConnectionLimits> limits,
                       const TlsServer* tls)
    : socket_(std::move(socket)),
      heartbeat_(heartbeat),
      limits_(std::move(limits)),
      watch_(heartbeat, {.expired =
                             [this] {
                               timed_out_ = true;
                               ErrorCode ignored;
                               socket_.cancel(ignored);
                             },
                         .hung_up = {},
                         .tick = {}}),
      parser_(limits_->head),
      peer_(address_of(socket_)) {
  if (tls == nullptr) return;
  ErrorCode ignored;
  socket_.native_non_blocking(true, ignored);
  tls_ = std::make_unique<TlsStream>(*tls, socket_.native_handle());
}

Connection::~Connection() = default;

void Connection::make_room(std::size_t size) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ >= size) return;
  const auto used = end_ - begin_;
  if (begin_ > 0 && capacity_ - used >= size) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, used);
  } else {
    const auto wanted = std::max({k_first_buffer_bytes, capacity_ * 2, used + size});
    std::unique_ptr<char[]> larger(new char[wanted]);
    if (used > 0) std::memcpy(larger.get(), buffer_.get() + begin_, used);
    buffer_ = std::move(larger);
    capacity_ = wanted;
  }
  begin_ = 0;
  end_ = used;
}

ReadOutcome Connection::outcome_of(const ErrorCode& error) const {
  if (timed_out_) return ReadOutcome::timed_out;
  return error ? ReadOutcome::closed : ReadOutcome::ok;
}

Task<ReadOutcome> Connection::read_into(char* place, std::size_t size, std::size_t& got) {
  if (cut_) co_return ReadOutcome::closed;
  if (tls_) co_return co_await read_tls(place, size, got);
  auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(place, size), k_await);
  got = bytes;
  co_return outcome_of(error);
}

Task<ReadOutcome> Connection::read_head(RequestHead& head) {
  std::size_t seen = 0;
  timed_out_ = false;
  make_room(k_first_buffer_bytes / 2);
  watch_.expire_after(first_request_ || has_buffered() ? limits_->head_timeout : limits_->idle_timeout);
  first_request_ = false;
  for (;;) {
    if (has_buffered()) {
      if (seen == 0) watch_.expire_after(limits_->head_timeout);
      head_result_ = parser_.parse(buffered(), seen, head);
      seen = buffered().size();
      if (head_result_.state != HeadState::need_more) break;
    }
    if (capacity_ == end_) make_room(k_first_buffer_bytes / 2);
    auto outcome = ReadOutcome::closed;
    if (tls_) {
      std::size_t got = 0;
      outcome = co_await read_tls(buffer_.get() + end_, capacity_ - end_, got);
      end_ += got;
    } else if (!cut_) {
      const auto room = asio::buffer(buffer_.get() + end_, capacity_ - end_);
      auto [error, bytes] = co_await socket_.async_read_some(room, k_await);
      end_ += bytes;
      outcome = outcome_of(error);
    }
    if (outcome != ReadOutcome::ok) {
      watch_.disarm();
      if (tls_) tls_->end();  // no answer is under way that it could make look whole
      co_return outcome;
    }
  }
  watch_.disarm();
  if (head_result_.state == HeadState::refused && buffered().front() == k_tls_handshake && !tls_)
    co_return ReadOutcome::wrong_protocol;
  consumed_ = head_result_.bytes;
  body_view_ = {};
  co_return head_result_.state == HeadState::complete ? ReadOutcome::ok : ReadOutcome::refused;
}

Task<ReadOutcome> Connection::read_body(const RequestHead& head, std::uint64_t bytes_max) {
  if (head.content_length.value_or(0) > bytes_max) co_return ReadOutcome::too_large;
  timed_out_ = false;
  watch_.expire_after(limits_->body_timeout);
  auto outcome = ReadOutcome::ok;
  if (head.chunked) {
    outcome = co_await read_chunked_body(bytes_max);
  } else if (head.content_length.value_or(0) > 0) {
    outcome = co_await read_sized_body(*head.content_length);
  }
  watch_.disarm();
  co_return outcome;
}

bool Connection::take_body(const RequestHead& head, std::uint64_t bytes_max) {
  const auto length = head.content_length.value_or(0);
  if (head.chunked || length > bytes_max || end_ - begin_ - consumed_ < length) return false;
  body_view_ = std::string_view(buffer_.get() + begin_ + consumed_, static_cast<std::size_t>(length));
  consumed_ += static_cast<std::size_t>(length);
  return true;
}

Task<ReadOutcome> Connection::read_sized_body(std::uint64_t length) {
  const auto size = static_cast<std::size_t>(length);
  const auto in_place = begin_ + consumed_ + size <= capacity_;  // the head's views must not move
  if (in_place) {
    while (end_ < begin_ + consumed_ + size) {
      std::size_t got = 0;
      const auto outcome = co_await read_into(buffer_.get() + end_, capacity_ - end_, got);
      end_ += got;
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
    body_view_ = std::string_view(buffer_.get() + begin_ + consumed_, size);
    consumed_ += size;
    co_return ReadOutcome::ok;
  }
  const auto arrived = std::min(size, end_ - begin_ - consumed_);
  body_.assign(buffer_.get() + begin_ + consumed_, arrived);
  consumed_ += arrived;
  while (body_.size() < size) {
    // Grown with what arrives, not with what a head promises.
    const auto used = body_.size();
    body_.resize(std::min(size, std::max<std::size_t>(used * 2, 64 * 1024)));
    auto filled = used;
    while (filled < body_.size()) {
      std::size_t got = 0;
      const auto outcome = co_await read_into(body_.data() + filled, body_.size() - filled, got);
      filled += got;
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
  }
  body_view_ = body_;
  co_return ReadOutcome::ok;
}

Task<ReadOutcome> Connection::read_chunked_body(std::uint64_t bytes_max) {
  // The head's views must not move: chunks arrive in a buffer of their own once the receive buffer is used up.
  ChunkedDecoder decoder;
  body_.clear();
  std::string arrived(buffer_.get() + begin_ + consumed_, end_ - begin_ - consumed_);
  consumed_ = end_ - begin_;
  std::size_t used = 0;
  for (;;) {
    const auto step = decoder.step(std::string_view(arrived).substr(used));
    used += step.consumed;
    if (step.state == ChunkState::refused) {
      head_result_ = {HeadState::refused, 0, 400, "the chunked body is malformed"};
      co_return ReadOutcome::refused;
    }
    if (step.state == ChunkState::done) break;
    if (step.state == ChunkState::data) {
      if (body_.size() + step.data.size() > bytes_max) co_return ReadOutcome::too_large;
      body_.append(step.data);
      continue;
    }
    arrived.resize(16 * 1024);
    std::size_t got = 0;
    const auto outcome = co_await read_into(arrived.data(), arrived.size(), got);
    arrived.resize(got);
    used = 0;
    if (outcome != ReadOutcome::ok) co_return outcome;
  }
  body_view_ = body_;
  pipelined_.assign(arrived, used);  // what follows is the next request: end_request() puts it back
  co_return ReadOutcome::ok;
}

void Connection::end_request() {
  begin_ += std::min(consumed_, end_ - begin_);
  consumed_ = 0;
  if (!pipelined_.empty()) {
    make_room(pipelined_.size());
    std::memcpy(buffer_.get() + end_, pipelined_.data(), pipelined_.size());
    end_ += pipelined_.size();
    pipelined_.clear();
  }
  if (begin_ == end_) begin_ = end_ = 0;
  body_view_ = {};
  pieces_.reset();
  body_.clear();
  if (body_.capacity() > k_keep_body_bytes_max) body_.shrink_to_fit();
}

bool Connection::can_skip_body(const RequestHead& head) const {
  if (head.chunked || head.expect_continue) return false;
  return head.content_length.value_or(0) <= k_skip_body_bytes_max;
}

Task<bool> Connection::skip_body(const RequestHead& head) {
  if (!can_skip_body(head)) co_return false;
  const auto outcome = co_await read_body(head, k_skip_body_bytes_max);
  co_return outcome == ReadOutcome::ok;
}

Task<bool> Connection::wait_writable() {
  timed_out_ = false;
  watch_.expire_after(limits_->stall_timeout);
  const auto awaited = tls_wants_ == TlsStep::want_read ? Socket::wait_read : Socket::wait_write;
  auto [error] = co_await socket_.async_wait(awaited, k_await);
  watch_.disarm();
  co_return !error && !timed_out_ && !cut_;
}

std::optional<bool> Connection::try_write(Gather& pieces) {
  if (cut_) return false;
  return tls_ ? try_write_tls(pieces) : pieces.send(socket_.native_handle());
}

Task<bool> Connection::write_rest(Gather& pieces) {
  for (;;) {
    if (const auto done = try_write(pieces)) co_return *done;
    if (!co_await wait_writable()) co_return false;
  }
}

Task<bool> Connection::write(std::span<const asio::const_buffer> buffers) {
  Gather pieces(buffers);
  co_return co_await write_rest(pieces);
}

Task<bool> Connection::write(std::string_view bytes) {
  const std::array<asio::const_buffer, 1> one{asio::buffer(bytes)};
  co_return co_await write(one);
}

bool Connection::write_now(std::string_view bytes) {
  if (cut_) return false;
  if (tls_) {
    const std::array<asio::const_buffer, 1> one{asio::buffer(bytes)};
    Gather pieces(one);
    return try_write_tls(pieces).value_or(true);
  }
  const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return true;
  // A full socket says nothing about the client; a torn frame would.
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Task<void> Connection::linger() {
  ErrorCode ignored;
  if (tls_ && !broken_off_) co_await say_goodbye();
  socket_.shutdown(Socket::shutdown_send, ignored);
  timed_out_ = false;
  watch_.expire_after(k_linger_timeout);
  std::array<char, 4096> sink{};
  std::size_t total = 0;
  while (total < k_linger_bytes_max && !cut_) {
    auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(sink), k_await);
    if (outcome_of(error) != ReadOutcome::ok) break;
    total += bytes;
  }
  watch_.disarm();
}

void Connection::cut() {
  cut_ = true;
  broken_off_ = broken_off_ || !idle_;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

}  // namespace cr::http
