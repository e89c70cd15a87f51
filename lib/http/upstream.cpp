// SPDX-License-Identifier: MIT
#include "http/upstream.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <tuple>

#include "base/secret.h"
#include "http/connect_race.h"
#include "http/tunnel.h"

namespace cr::http {

namespace {

constexpr std::size_t k_buffer_bytes = 16 * 1024;
// Room for the largest head; a provider's heads are a few hundred bytes.
constexpr HeadLimits k_answer_head_limits{8 * 1024, 16 * 1024, 64 * 1024, 200};

base::Error failed(std::string what, const ErrorCode& error) {
  return {base::ErrorCode::upstream, std::move(what) + ": " + error.message(), {}};
}

// It was the proxy's name or address that failed.
tl::unexpected<base::Error> of_proxy(base::Error error) {
  constexpr std::string_view k_upstream = "the upstream";
  if (error.message.starts_with(k_upstream)) error.message.replace(0, k_upstream.size(), "the proxy");
  return tl::unexpected(std::move(error));
}

}  // namespace

UpstreamConnection::UpstreamConnection(asio::io_context& io, Heartbeat& heartbeat)
    : io_(io),
      watch_(heartbeat, {.expired =
                             [this] {
                               timed_out_ = true;
                               stop_waiting();
                             },
                         .hung_up = {},
                         .tick = {}}),
      plain_(io),
      parser_(k_answer_head_limits) {}

Socket& UpstreamConnection::socket() {
  return tls_ ? tls_->next_layer() : plain_;
}
int UpstreamConnection::fd() {
  return socket().native_handle();
}

void UpstreamConnection::cancel() {
  cancelled_ = true;
  stop_waiting();
}

void UpstreamConnection::stop_waiting() {
  look_up_.cancel();
  if (race_) race_->cancel();
  ErrorCode ignored;
  socket().cancel(ignored);
}

Task<base::Result<void>> UpstreamConnection::connect(const UpstreamTarget& target, Resolver& resolver) {
  const auto started = base::steady_now();
  const bool tunnelled = target.proxy.has_value();
  if (tunnelled) {
    if (auto allowed = check_tunnel_host(target.url.host, target.privates); !allowed) co_return allowed;
  }
  const Url& peer = tunnelled ? *target.proxy : target.url;
  auto endpoints = co_await resolver.resolve(
      peer.host, peer.port, tunnelled ? PrivateAddresses::allow : target.privates, target.connect_timeout, look_up_);
  if (!endpoints && tunnelled) co_return of_proxy(endpoints.error());
  if (!endpoints) co_return tl::unexpected(endpoints.error());
  watch_.expire_at(started + target.connect_timeout);
  auto connected = co_await connect_any(*endpoints);
  if (!connected && tunnelled) connected = of_proxy(connected.error());
  if (connected && tunnelled) connected = co_await open_tunnel(plain_, target.url);
  if (connected && target.url.scheme == Scheme::https) connected = co_await handshake(target.url.host, *target.tls);
  watch_.disarm();
  if (timed_out_) {
    co_return base::fail(base::ErrorCode::timeout, tunnelled ? "the proxy gave no connection to the upstream in time"
                                                             : "the upstream did not accept the connection in time");
  }
  if (connected && cancelled_) co_return base::fail(base::ErrorCode::upstream, "the request was given up");
  co_return connected;
}

Task<base::Result<void>> UpstreamConnection::connect_any(const std::vector<asio::ip::tcp::endpoint>& endpoints) {
  if (cancelled_) co_return base::fail(base::ErrorCode::upstream, "the request was given up");
  ConnectRace race(io_, endpoints);
  race_ = &race;
  auto socket = co_await race.run();
  race_ = nullptr;
  if (!socket) co_return tl::unexpected(socket.error());
  plain_ = std::move(*socket);
  ErrorCode ignored;
  plain_.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return base::Result<void>();
}

Task<base::Result<void>> UpstreamConnection::handshake(const std::string& host, asio::ssl::context& tls) {
  tls_ = std::make_unique<TlsStream>(std::move(plain_), tls);
  ErrorCode is_name;
  (void)asio::ip::make_address(host, is_name);
  // SNI carries names only (RFC 6066, section 3).
  if (is_name) SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(host));
  auto [error] = co_await tls_->async_handshake(TlsStream::client, k_await);
  if (!error) co_return base::Result<void>();
  const auto verify = SSL_get_verify_result(tls_->native_handle());
  if (verify != X509_V_OK) {
    co_return base::fail(base::ErrorCode::upstream, std::string("the upstream's certificate is not trusted: ") +
                                                        X509_verify_cert_error_string(verify));
  }
  co_return tl::unexpected(failed("the TLS handshake with the upstream failed", error));
}

void UpstreamConnection::begin_request() {
  ++requests_;
  body_done_ = keep_alive_ = peer_closed_ = timed_out_ = send_cancelled_ = false;
}

std::optional<bool> UpstreamConnection::begin_send(std::span<const asio::const_buffer> buffers) {
  begin_request();
  if (cancelled_) return false;
  if (tls_) return std::nullopt;
  unsent_ = Gather(buffers);
  return unsent_.send(plain_.native_handle());
}

Task<bool> UpstreamConnection::send_rest(std::span<const asio::const_buffer> buffers,
                                         std::chrono::milliseconds timeout) {
  watch_.expire_after(timeout);
  bool sent = false;
  if (tls_) {
    sent = co_await send_tls(buffers);
  } else {
    std::optional<bool> done;
    while (!done) {
      auto [error] = co_await plain_.async_wait(Socket::wait_write, k_await);
      done = error || timed_out_ || cancelled_ ? false : unsent_.send(fd());
    }
    sent = *done;
  }
  watch_.disarm();
  co_return sent && !cancelled_;
}

Task<bool> UpstreamConnection::send_piece(std::span<const asio::const_buffer> buffers) {
  if (cancelled_) co_return false;
  if (tls_) {
    for (auto buffer : buffers) {
      while (buffer.size() > 0) {
        auto [error, bytes] = co_await tls_->async_write_some(buffer, k_await);
        if (error || cancelled_ || send_cancelled_) co_return false;
        buffer += bytes;
      }
    }
    co_return true;
  }
  Gather unsent(buffers);
  for (;;) {
    if (const auto done = unsent.send(fd())) co_return *done;
    auto [error] = co_await plain_.async_wait(Socket::wait_write, k_await);
    if (error || cancelled_ || send_cancelled_) co_return false;
  }
}

void UpstreamConnection::cancel_send() {
  send_cancelled_ = true;
  ErrorCode ignored;
  socket().cancel(ignored);
}

// One record for the usual request: gathered here, since OpenSSL writes one buffer at a time.
Task<bool> UpstreamConnection::send_tls(std::span<const asio::const_buffer> buffers) {
  std::string whole;
  whole.reserve(asio::buffer_size(buffers));  // the head holds the channel's key: growing would leave copies behind
  for (const auto& buffer : buffers) whole.append(static_cast<const char*>(buffer.data()), buffer.size());
  auto [error, bytes] = co_await asio::async_write(*tls_, asio::buffer(whole), k_await);
  base::wipe(whole);
  co_return !error;
}

asio::mutable_buffer UpstreamConnection::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == capacity_) {
    const auto wanted = capacity_ == 0 ? k_buffer_bytes : capacity_ * 2;
    std::unique_ptr<char[]> larger(new char[wanted]);
    if (end_ > begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    buffer_ = std::move(larger);
    capacity_ = wanted;
  }
  return asio::buffer(buffer_.get() + end_, capacity_ - end_);
}

AnswerOutcome UpstreamConnection::took(const ErrorCode& error, std::size_t bytes) {
  end_ += bytes;
  if (cancelled_) return AnswerOutcome::cancelled;
  if (timed_out_) return AnswerOutcome::timed_out;
  if (!error) return AnswerOutcome::ok;
  // Only a clean end may end a body that has no length: a TLS stream without close_notify was cut.
  peer_closed_ = error == asio::error::eof;
  return AnswerOutcome::closed;
}

// Awaited in place, here and in fill(): a coroutine of its own would cost each piece of an answer a frame.
Task<AnswerOutcome> UpstreamConnection::read_head(std::chrono::milliseconds timeout) {
  if (cancelled_) co_return AnswerOutcome::cancelled;
  watch_.expire_after(timeout);
  std::size_t seen = 0;
  begin_ = end_ = 0;
  for (;;) {
    const auto room = make_room();
    ErrorCode error;
    std::size_t bytes = 0;
    if (tls_) {
      std::tie(error, bytes) = co_await tls_->async_read_some(room, k_await);
    } else {
      std::tie(error, bytes) = co_await plain_.async_read_some(room, k_await);
    }
    const auto outcome = took(error, bytes);
    if (outcome != AnswerOutcome::ok) {
      watch_.disarm();
      co_return outcome == AnswerOutcome::closed&& seen > 0 ? AnswerOutcome::cut : outcome;
    }
    for (bool more = true; more && end_ > begin_;) {
      const auto result = parser_.parse({buffer_.get() + begin_, end_ - begin_}, seen, head_);
      seen = end_ - begin_;
      if (result.state == HeadState::refused) {
        watch_.disarm();
        co_return AnswerOutcome::garbage;
      }
      if (result.state == HeadState::need_more) break;
      begin_ += result.bytes;
      seen = 0;
      more = head_.status < 200 && head_.status != 101;
      if (more) continue;
      watch_.disarm();
      begin_body();
      co_return AnswerOutcome::ok;
    }
  }
}

void UpstreamConnection::begin_body() {
  keep_alive_ = head_.keep_alive;
  decoder_ = {};
  body_done_ = false;
  if (head_.chunked) {
    framing_ = Framing::chunked;
  } else if (head_.content_length) {
    framing_ = Framing::sized;
    left_ = *head_.content_length;
    body_done_ = left_ == 0;
  } else {
    framing_ = Framing::until_close;
    keep_alive_ = false;
  }
}

BodyStep UpstreamConnection::step() {
  if (body_done_) return {BodyState::done, {}};
  const std::string_view waiting(buffer_.get() + begin_, end_ - begin_);
  if (framing_ == Framing::chunked) {
    const auto step = decoder_.step(waiting);
    begin_ += step.consumed;
    body_done_ = step.state == ChunkState::done;
    switch (step.state) {
      case ChunkState::data:
        return {BodyState::data, step.data};
      case ChunkState::done:
        return {BodyState::done, {}};
      case ChunkState::refused:
        return {BodyState::garbage, {}};
      case ChunkState::need_more:
        break;
    }
    return {BodyState::need_more, {}};
  }
  if (waiting.empty()) {
    if (framing_ == Framing::until_close && peer_closed_) {
      body_done_ = true;
      return {BodyState::done, {}};
    }
    return {BodyState::need_more, {}};
  }
  const auto size = framing_ == Framing::sized ? std::min<std::uint64_t>(left_, waiting.size()) : waiting.size();
  if (framing_ == Framing::sized) {
    left_ -= size;
    body_done_ = left_ == 0;
  }
  begin_ += size;
  return {BodyState::data, waiting.substr(0, size)};
}

Task<AnswerOutcome> UpstreamConnection::fill(std::chrono::milliseconds timeout) {
  if (cancelled_) co_return AnswerOutcome::cancelled;
  watch_.expire_after(timeout);
  const auto room = make_room();
  ErrorCode error;
  std::size_t bytes = 0;
  if (tls_) {
    std::tie(error, bytes) = co_await tls_->async_read_some(room, k_await);
  } else {
    std::tie(error, bytes) = co_await plain_.async_read_some(room, k_await);
  }
  watch_.disarm();
  const auto outcome = took(error, bytes);
  if (outcome != AnswerOutcome::closed) co_return outcome;
  // The end of a body without a length is its connection's end: step() will say so.
  if (framing_ == Framing::until_close && peer_closed_) co_return AnswerOutcome::ok;
  co_return AnswerOutcome::cut;
}

}  // namespace cr::http
