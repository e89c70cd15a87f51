// SPDX-License-Identifier: MIT
#include "http/client/upstream.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <tuple>

#include "http/client/connect_race.h"
#include "http/client/tunnel.h"

namespace cr::http::client {

namespace {

// Room for the largest head; a provider's heads are a few hundred bytes.
constexpr message::HeadLimits k_answer_head_limits{std::size_t{8} * 1024, std::size_t{16} * 1024,
                                                   std::size_t{64} * 1024, 200};

base::Error failed(std::string what, const SystemError& error) {
  return {base::ErrorCode::upstream, std::move(what) + ": " + error.message(), {}};
}

bool must_wait(tls::TlsStep step) {
  return step == tls::TlsStep::want_read || step == tls::TlsStep::want_write;
}

Socket::wait_type awaited(tls::TlsStep step) {
  return step == tls::TlsStep::want_read ? Socket::wait_read : Socket::wait_write;
}

// What resolving and connecting say of it, with the name of the one it was tried on.
tl::unexpected<base::Error> failed_on(std::string_view peer, base::Error error) {
  error.message = std::string(peer) + " " + error.message;
  return tl::unexpected(std::move(error));
}

asio::mutable_buffer room_in(ReceiveBuffer& buffer) {
  const auto room = buffer.make_room();
  return {room.data(), room.size()};
}

tl::unexpected<base::Error> given_up() {
  return base::fail(base::ErrorCode::upstream, "the request was given up");
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
      socket_(io),
      parser_(k_answer_head_limits) {}

UpstreamConnection::~UpstreamConnection() {
  if (sending_ == Sending::none || sending_ == Sending::done) return;
  // Natively: Asio undoes an option that it knows of before it closes.
  const linger at_once{1, 0};
  if (socket_.is_open()) ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

int UpstreamConnection::fd() {
  return socket_.native_handle();
}

void UpstreamConnection::cancel() {
  cancelled_ = true;
  stop_waiting();
}

void UpstreamConnection::stop_waiting() {
  look_up_.cancel();
  if (race_) race_->cancel();
  SystemError ignored;
  socket_.cancel(ignored);
}

Task<base::Result<void>> UpstreamConnection::connect(const UpstreamTarget& target, dns::EgressPolicy& resolver) {
  const auto started = base::steady_now();
  const bool tunnelled = target.proxy.has_value();
  if (tunnelled) {
    if (auto allowed = check_tunnel_host(target.url.host, target.privates); !allowed) co_return allowed;
  }
  const base::Url& peer = tunnelled ? *target.proxy : target.url;
  auto endpoints =
      co_await resolver.resolve(peer.host, peer.port, tunnelled ? dns::PrivateAddresses::allow : target.privates,
                                target.connect_timeout, look_up_);
  if (cancelled_) co_return given_up();
  if (!endpoints) co_return failed_on(tunnelled ? "the proxy's" : "the upstream's", endpoints.error());
  watch_.expire_at(started + target.connect_timeout);
  auto connected = co_await connect_any(*endpoints);
  if (!connected) connected = failed_on(tunnelled ? "the proxy" : "the upstream", connected.error());
  if (connected && tunnelled) connected = co_await open_tunnel(socket_, target.url);
  if (connected && target.url.scheme == base::Scheme::https)
    connected = co_await handshake(target.url.host, *target.tls);
  watch_.disarm();
  if (timed_out_) {
    co_return base::fail(base::ErrorCode::timeout, tunnelled ? "the proxy gave no connection to the upstream in time"
                                                             : "the upstream did not accept the connection in time");
  }
  if (cancelled_) co_return given_up();
  co_return connected;
}

Task<base::Result<void>> UpstreamConnection::connect_any(const std::vector<asio::ip::tcp::endpoint>& endpoints) {
  ConnectRace race(io_, endpoints);
  race_ = &race;
  auto socket = co_await race.run();
  race_ = nullptr;
  if (!socket) co_return tl::unexpected(socket.error());
  socket_ = std::move(*socket);
  SystemError ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return base::Result<void>();
}

Task<base::Result<void>> UpstreamConnection::handshake(const std::string& host, asio::ssl::context& tls) {
  tls_ = std::make_unique<tls::TlsStream>(tls.native_handle(), fd(), host);
  for (;;) {
    const auto step = tls_->shake_hands();
    if (step == tls::TlsStep::done) co_return base::Result<void>();
    if (!must_wait(step)) break;
    auto [error] = co_await socket_.async_wait(awaited(step), k_await);
    if (error) co_return tl::unexpected(failed("the TLS handshake with the upstream failed", error));
  }
  const auto reason = tls_->why_not();
  co_return base::fail(base::ErrorCode::upstream, tls_->is_trusted()
                                                      ? "the TLS handshake with the upstream failed: " + reason
                                                      : "the upstream's certificate is not trusted: " + reason);
}

void UpstreamConnection::begin_request() {
  ++requests_;
  body_.forget();
  keep_alive_ = peer_closed_ = timed_out_ = send_cancelled_ = false;
  sending_ = Sending::done;
  received_.clear();
}

bool UpstreamConnection::begin_send(std::span<const asio::const_buffer> buffers) {
  begin_request();
  unsent_ = Gather(buffers);
  sending_ = cancelled_ ? Sending::given_up : Sending::under_way;  // then read_head() says it
  if (!cancelled_) send_on();
  return sending_ != Sending::failed || requests_ == 1 || unsent_.begun();
}

// No value: again when the socket is ready for what tls_wants_ says.
std::optional<bool> UpstreamConnection::try_send(Gather& pieces) {
  if (!tls_) return pieces.send(fd());
  tls_wants_ = tls_->write(pieces);
  if (must_wait(tls_wants_)) return std::nullopt;
  return tls_wants_ == tls::TlsStep::done;
}

void UpstreamConnection::send_on() {
  const auto done = try_send(unsent_);
  sent_at_ = base::coarse_now();
  if (done) sending_ = *done ? Sending::done : Sending::failed;
  // What has failed shows in what is read next.
  if (heads_ && sending_ != Sending::failed) watch_.expire_at(std::min(sent_at_ + heads_->timeout, heads_->until));
  if (!done) send_when_writable();
}

// No coroutine: the usual request never gets here, and who waits for the answer does not wait for this.
void UpstreamConnection::send_when_writable() {
  if (!self_) self_ = std::make_shared<UpstreamConnection*>(this);
  const std::weak_ptr<UpstreamConnection*> self = self_;
  socket_.async_wait(awaited(tls_wants_), [self](const SystemError& error) {
    const auto alive = self.lock();
    if (!alive) return;
    auto& connection = **alive;
    if (connection.sending_ != Sending::under_way) return;
    if (error) {
      connection.sending_ = Sending::failed;
    } else {
      connection.send_on();
    }
  });
}

Task<bool> UpstreamConnection::send_piece(std::span<const asio::const_buffer> buffers) {
  Gather unsent(buffers);
  while (!cancelled_ && !send_cancelled_) {
    if (const auto done = try_send(unsent)) co_return *done;
    auto [error] = co_await socket_.async_wait(awaited(tls_wants_), k_await);
    if (error) co_return false;
  }
  co_return false;
}

void UpstreamConnection::cancel_send() {
  send_cancelled_ = true;
  SystemError ignored;
  socket_.cancel(ignored);
}

bool UpstreamConnection::has_surplus() {
  if (!body_.is_done()) return false;
  if (!received_.empty()) return true;
  const bool more = tls_ ? tls_->has_pending() : received_.was_full();
  return more && look() == tls::IdleState::surplus;
}

tls::IdleState UpstreamConnection::look() {
  if (!received_.empty()) return tls::IdleState::surplus;
  if (tls_) return tls_->look();
  char byte = 0;
  for (;;) {
    const auto got = ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) return tls::IdleState::surplus;
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? tls::IdleState::quiet : tls::IdleState::closed;
  }
}

AnswerOutcome UpstreamConnection::took(const SystemError& error, std::size_t bytes) {
  received_.filled(bytes);
  if (cancelled_) return AnswerOutcome::cancelled;
  if (timed_out_) return AnswerOutcome::timed_out;
  if (!error) return AnswerOutcome::ok;
  // Only a clean end may end a body that has no length: a TLS stream without close_notify was cut. But who refuses a
  // request before it has read all of it ends its words by a reset.
  peer_closed_ = error == asio::error::eof || (!heads_ && head_.status >= 400);
  return AnswerOutcome::closed;
}

// False: nothing has come; again when the socket is ready for what tls_reads_ says.
bool UpstreamConnection::read_tls(asio::mutable_buffer room, SystemError& error, std::size_t& bytes) {
  error = {};
  tls_reads_ = tls_->read(static_cast<char*>(room.data()), room.size(), bytes);
  if (must_wait(tls_reads_)) return false;
  if (tls_reads_ != tls::TlsStep::done) {
    error = tls_->ended_in_order() ? SystemError(asio::error::eof) : SystemError(asio::error::connection_reset);
  }
  return true;
}

// Awaited in place, here and in fill(): a coroutine of its own would cost each piece of an answer a frame.
Task<AnswerOutcome> UpstreamConnection::read_head(std::chrono::milliseconds timeout, base::SteadyTime until) {
  if (cancelled_) co_return AnswerOutcome::cancelled;
  heads_ = Heads{timeout, until};
  watch_.expire_at(std::min(base::coarse_now() + timeout, until));
  std::optional<AnswerOutcome> outcome;
  while (!outcome) {
    const auto room = room_in(received_);
    SystemError error;
    std::size_t bytes = 0;
    if (!tls_) {
      std::tie(error, bytes) = co_await socket_.async_read_some(room, k_await);
    } else if (!cancelled_ && !timed_out_ && !read_tls(room, error, bytes)) {
      std::tie(error) = co_await socket_.async_wait(awaited(tls_reads_), k_await);
      if (!error) continue;
    }
    const auto read = took(error, bytes);
    const bool begun = !received_.empty() || heads_->interim > 0;
    if (read == AnswerOutcome::ok) outcome = take_heads();
    if (read != AnswerOutcome::ok) outcome = read == AnswerOutcome::closed && begun ? AnswerOutcome::cut : read;
  }
  heads_.reset();
  watch_.disarm();
  if (*outcome != AnswerOutcome::ok) co_return *outcome;
  // What blames the request has no use for the rest of it (RFC 9112, 9.5).
  if (head_.status >= 300 && sending_ == Sending::under_way) sending_ = Sending::given_up;
  body_.begin(head_);
  keep_alive_ = head_.keep_alive && !body_.ends_with_connection();
  co_return AnswerOutcome::ok;
}

// No value: the final head is not whole yet.
std::optional<AnswerOutcome> UpstreamConnection::take_heads() {
  auto& heads = *heads_;
  while (!received_.empty()) {
    const auto waiting = received_.waiting();
    const auto result = parser_.parse(waiting, heads.seen, head_);
    if (result.state == message::HeadState::refused) return AnswerOutcome::garbage;
    heads.seen = waiting.size();
    if (result.state == message::HeadState::need_more) {
      if (heads.passed + heads.seen > k_answer_head_limits.head_bytes_max) return AnswerOutcome::garbage;
      break;
    }
    received_.take(result.bytes);
    heads.seen = 0;
    heads.passed += result.bytes;
    if (head_.status >= 200 || head_.status == 101) return AnswerOutcome::ok;
    if (++heads.interim > k_interim_heads_max || heads.passed > k_answer_head_limits.head_bytes_max)
      return AnswerOutcome::garbage;
  }
  return std::nullopt;
}

Task<AnswerOutcome> UpstreamConnection::fill(std::chrono::milliseconds timeout) {
  if (cancelled_) co_return AnswerOutcome::cancelled;
  watch_.expire_after(timeout);
  const auto room = room_in(received_);
  SystemError error;
  std::size_t bytes = 0;
  if (!tls_) {
    std::tie(error, bytes) = co_await socket_.async_read_some(room, k_await);
  } else {
    while (!read_tls(room, error, bytes)) {
      std::tie(error) = co_await socket_.async_wait(awaited(tls_reads_), k_await);
      if (error) break;
    }
  }
  watch_.disarm();
  const auto outcome = took(error, bytes);
  if (outcome != AnswerOutcome::closed) co_return outcome;
  // The end of a body without a length is its connection's end: step() will say so.
  if (body_.ends_with_connection() && peer_closed_) co_return AnswerOutcome::ok;
  co_return AnswerOutcome::cut;
}

}  // namespace cr::http::client
