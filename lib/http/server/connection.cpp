// SPDX-License-Identifier: MIT
#include "http/server/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/secret.h"

namespace cr::http::server {

namespace {

constexpr std::size_t k_first_buffer_bytes = std::size_t{4} * 1024;
constexpr std::size_t k_head_room_bytes = 1024;
constexpr std::uint64_t k_linger_bytes_max = std::uint64_t{1024} * 1024;
constexpr std::chrono::milliseconds k_linger_timeout{2'000};  // of silence
constexpr char k_tls_handshake = 22;  // the first byte of a ClientHello's record (RFC 8446, 5.1)

// Whose share of memory it is. Two addresses with one number share one, which harms neither much.
std::uint64_t number_of(const base::IpAddress& peer) {
  const auto network = peer.holder();
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(network.bytes.data()), network.bytes.size()});
}

}  // namespace

base::IpAddress address_of(const asio::ip::tcp::endpoint& endpoint) {
  base::IpAddress address;
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

Connection::Connection(Socket socket, const base::IpAddress& peer, Heartbeat& heartbeat,
                       std::shared_ptr<const ConnectionLimits> limits, base::MemoryBudget& unfinished,
                       const tls::TlsServer* tls)
    : socket_(std::move(socket)),
      heartbeat_(heartbeat),
      limits_(std::move(limits)),
      watch_(heartbeat, {.expired =
                             [this] {
                               timed_out_ = true;
                               SystemError ignored;
                               socket_.cancel(ignored);
                             },
                         .hung_up = {},
                         .tick = {}}),
      parser_(limits_->head),
      peer_(peer),
      held_(unfinished, number_of(peer_)) {
  if (tls == nullptr) return;
  SystemError ignored;
  socket_.native_non_blocking(true, ignored);
  tls_ = std::make_unique<tls::TlsStream>(*tls, socket_.native_handle());
}

Connection::~Connection() = default;

void WipeAndFree::operator()(char* bytes) const {
  base::wipe(bytes, size);
  delete[] bytes;
}

// Only while the request comes: one that is whole is its token's. A body is counted where its own budget does not.
bool Connection::hold(std::size_t buffers, std::size_t body) {
  if (!held_.grow_to(buffers + (body > k_small_body_bytes ? 0 : body))) return false;
  buffers_bytes_ = buffers;
  return true;
}

// For `size` bytes behind end_. What is pinned stays where it is, the rest may move. False: there is no memory.
bool Connection::make_room(std::size_t size) {
  if (begin_ == end_) begin_ = end_ = pinned_;
  if (capacity_ - end_ >= size) return true;
  const auto used = end_ - begin_;
  if (capacity_ - pinned_ >= used + size) {
    std::memmove(buffer_.get() + pinned_, buffer_.get() + begin_, used);
    base::wipe(buffer_.get() + pinned_ + used, begin_ - pinned_);  // what of it is left behind
    begin_ = pinned_;
  } else {
    // Doubled where a head grows byte by byte; a body says how much room it can use.
    const auto wanted = std::max({k_first_buffer_bytes, pinned_ == 0 ? 2 * used : 0, used + size});
    if (!hold(buffers_bytes_ + wanted - (pinned_ > 0 ? 0 : capacity_), body_.size())) return false;
    WipedBuffer larger(new char[wanted], WipeAndFree{wanted});
    if (used > 0) std::memcpy(larger.get(), buffer_.get() + begin_, used);
    if (pinned_ > 0) pinned_buffers_.push_back(std::move(buffer_));
    buffer_ = std::move(larger);
    capacity_ = wanted;
    begin_ = pinned_ = 0;
  }
  end_ = begin_ + used;
  return true;
}

ReadOutcome Connection::outcome_of(const SystemError& error) const {
  if (timed_out_) return ReadOutcome::timed_out;
  return error ? ReadOutcome::closed : ReadOutcome::ok;
}

Task<ReadOutcome> Connection::read_head(message::RequestHead& head) {
  if (!body_ended()) co_return ReadOutcome::closed;  // what comes now is a body, whatever it looks like
  std::size_t seen = 0;
  timed_out_ = false;
  const auto usual = first_request_ || has_buffered() ? limits_->head_timeout : limits_->idle_timeout;
  watch_.expire_after(patience_.value_or(usual));
  first_request_ = false;
  for (;;) {
    if (has_buffered()) {
      if (seen == 0) watch_.expire_after(limits_->head_timeout);
      head_result_ = parser_.parse(buffered(), seen, head);
      seen = buffered().size();
      if (head_result_.state != message::HeadState::need_more) break;
    }
    auto outcome = make_room(k_head_room_bytes) ? ReadOutcome::closed : ReadOutcome::no_room;
    if (outcome == ReadOutcome::no_room) {
      // Nothing to read into.
    } else if (tls_) {
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
      // No answer is under way that it could make look whole; one that says there is no room follows.
      if (tls_ && outcome != ReadOutcome::no_room) tls_->end();
      co_return outcome;
    }
  }
  watch_.disarm();
  if (head_result_.state == message::HeadState::refused && buffered().front() == k_tls_handshake && !tls_)
    co_return ReadOutcome::wrong_protocol;
  if (head_result_.state != message::HeadState::complete) co_return ReadOutcome::refused;
  asked_ = true;
  begin_body(head);
  co_return ReadOutcome::ok;
}

void Connection::end_request() {
  pinned_ = 0;
  pinned_buffers_.clear();
  if (begin_ > 0) base::wipe(buffer_.get(), begin_);
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > k_grain.small_bytes) {
      buffer_.reset();
      capacity_ = 0;
    }
  }
  buffers_bytes_ = capacity_;
  drop_body();
}

Task<bool> Connection::wait_writable() {
  timed_out_ = false;
  watch_.expire_after(limits_->stall_timeout);
  const auto awaited = tls_wants_ == tls::TlsStep::want_read ? Socket::wait_read : Socket::wait_write;
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

Task<void> Connection::linger(Linger how) {
  SystemError ignored;
  const bool drain = how == Linger::drain;
  drop_body();
  if (tls_ && !broken_off_) co_await say_goodbye();
  socket_.shutdown(Socket::shutdown_send, ignored);
  const auto until = base::coarse_now() + (drain ? limits_->drain_timeout : k_linger_timeout);
  if (drain && must_drain()) {
    const bool ended = co_await drain_body();
    if (!ended) co_return;
  }
  // What has no end that anybody knows: behind a head or a coding that was refused, or further requests.
  timed_out_ = false;
  std::array<char, 4096> sink{};
  std::uint64_t total = 0;
  const auto most = drain ? limits_->drain_bytes_max : k_linger_bytes_max;
  while (total < most && !cut_) {
    watch_.expire_at(std::min(until, base::coarse_now() + k_linger_timeout));
    auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(sink), k_await);
    if (outcome_of(error) != ReadOutcome::ok) break;
    total += bytes;
  }
  watch_.disarm();
}

bool Connection::awaits_request() const {
  if (!asked_ || has_buffered()) return true;
  char byte = 0;
  // What waits unread would be taken for a request that failed.
  const int fd = const_cast<Socket&>(socket_).native_handle();  // Asio's has no const form
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Connection::leave(std::chrono::milliseconds patience) {
  patience_ = patience;
  if (!idle_) return;
  if (awaits_request()) return watch_.expire_after(has_buffered() ? limits_->head_timeout : patience);
  // Not cut(): a read that has just ended with a request is answered.
  SystemError ignored;
  socket_.cancel(ignored);
}

void Connection::cut() {
  cut_ = true;
  broken_off_ = broken_off_ || !idle_;
  SystemError ignored;
  socket_.cancel(ignored);
}

}  // namespace cr::http::server
