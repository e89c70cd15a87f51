// SPDX-License-Identifier: MIT
#include "server/listener/worker.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace cr::server::listener {

namespace asio = http::asio;

namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using NotSentLowWater = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
constexpr int k_backlog = 4096;
// Of a connection that was made before the daemon began to stop: its first request comes within it.
constexpr std::chrono::milliseconds k_patience{1'000};
// What the kernel takes ahead of a client that does not read: left to itself it would be megabytes.
constexpr int k_unsent_bytes_max = 128 * 1024;
constexpr std::string_view k_full =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 119\r\nretry-after: 1\r\n"
    "connection: close\r\n\r\n"
    R"({"error":{"message":"too many connections: try again in a moment","type":"api_error","param":null,"code":"overloaded"}})";
static_assert(k_full.size() - k_full.find('{') == 119);
constexpr std::string_view k_full_head = k_full.substr(0, k_full.find('{'));

// A HEAD is answered without a body (RFC 9110, 9.3.2). Nobody waits for a request here: one that has not come yet is
// taken for another.
std::string_view words_when_full(int fd) {
  constexpr std::string_view k_head = "HEAD ";
  std::array<char, k_head.size()> begun{};
  const auto size = ::recv(fd, begun.data(), begun.size(), MSG_PEEK | MSG_DONTWAIT);
  const bool is_head =
      size == static_cast<ssize_t>(k_head.size()) && k_head == std::string_view(begun.data(), begun.size());
  return is_head ? k_full_head : k_full;
}

base::Result<void> cannot_listen(const std::string& host, std::uint16_t port, const http::SystemError& error) {
  const auto where = host + ":" + std::to_string(port);
  if (error == asio::error::address_in_use) {
    return base::fail(base::ErrorCode::unavailable, "cannot listen on " + where + ": the address is in use",
                      "stop the other program or set another 'listen' in crd.toml");
  }
  return base::fail(base::ErrorCode::unavailable, "cannot listen on " + where + ": " + error.message());
}

base::Result<http::Acceptor> open_acceptor(asio::io_context& io, const std::string& host, std::uint16_t port,
                                           bool shared) {
  http::SystemError error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return base::fail(base::ErrorCode::invalid, "cannot listen on '" + host + "': not an IP address");
  const asio::ip::tcp::endpoint endpoint(address, port);
  http::Acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(http::Acceptor::reuse_address(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.set_option(NotSentLowWater(k_unsent_bytes_max), error);  // its connections inherit it
  if (!error) acceptor.bind(endpoint, error);
  if (!error && shared) acceptor.listen(k_backlog, error);
  if (error) return tl::unexpected(cannot_listen(host, port, error).error());
  return acceptor;
}

}  // namespace

base::Result<void> check_address_is_free(const std::string& host, std::uint16_t port) {
  if (port == 0) return {};
  asio::io_context io;
  auto probe = open_acceptor(io, host, port, false);
  if (!probe) return tl::unexpected(probe.error());
  // Bound without listening proves little beside another listener with SO_REUSEADDR: listening does.
  http::SystemError error;
  probe->listen(1, error);
  if (error) return cannot_listen(host, port, error);
  return {};
}

Worker::Worker(std::unique_ptr<http::EventLoop> loop, std::shared_ptr<relay::request::LedgerInbox> inbox,
               std::uint32_t index, relay::request::Shared& shared, ListenerState& state,
               std::shared_ptr<const relay::policy::Settings> settings,
               std::shared_ptr<const http::server::ConnectionLimits> limits)
    : loop_(std::move(loop)),
      io_(*loop_),
      inbox_(std::move(inbox)),
      index_(index),
      shared_(shared),
      state_(state),
      limits_(std::move(limits)),
      context_(io_, index, shared, std::move(settings)),
      reserve_fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Worker::~Worker() {
  stop();
  destroy_waiting();
  if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

base::Result<void> Worker::listen(const std::string& host, std::uint16_t port) {
  auto acceptor = open_acceptor(io_, host, port, true);
  if (!acceptor) return tl::unexpected(acceptor.error());
  bound_.push_back(acceptor->local_endpoint());
  acceptors_.push_back(std::move(*acceptor));
  return {};
}

base::Result<void> Worker::adopt(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0 || ::getsockname(own, reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
      (name.ss_family != AF_INET && name.ss_family != AF_INET6)) {
    if (own >= 0) ::close(own);
    return base::fail(base::ErrorCode::invalid, "the socket handed over by the service manager is not a TCP listener");
  }
  http::Acceptor acceptor(io_, name.ss_family == AF_INET ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), own);
  http::SystemError ignored;
  acceptor.set_option(NotSentLowWater(k_unsent_bytes_max), ignored);
  bound_.push_back(acceptor.local_endpoint());
  acceptors_.push_back(std::move(acceptor));
  return {};
}

void Worker::start() {
  state_.accepting.fetch_add(1);
  context_.heartbeat().start();
  for (auto& acceptor : acceptors_) asio::co_spawn(io_, accept_loop(acceptor), asio::detached);
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    const auto stay = asio::make_work_guard(io_);
    io_.run();
  });
}

void Worker::drain() {
  asio::post(io_, [this] {
    draining_ = true;
    http::SystemError ignored;
    for (auto& acceptor : acceptors_) acceptor.close(ignored);
    for (auto* connection : connections_) connection->leave(k_patience);
    // Behind what was accepted until now, which waits to be counted.
    asio::post(io_, [this] { state_.accepting.fetch_sub(1); });
  });
}

void Worker::cut() {
  asio::post(io_, [this] {
    context_.cut_all();
    for (auto* connection : connections_) connection->cut();
  });
}

void Worker::use(std::shared_ptr<const relay::policy::Settings> settings,
                 std::shared_ptr<const http::server::ConnectionLimits> limits) {
  asio::post(io_, [this, settings = std::move(settings), limits = std::move(limits)] {
    context_.use(settings);
    limits_ = limits;
  });
}

void Worker::use_tls(std::shared_ptr<const http::tls::TlsServer> tls) {
  asio::post(io_, [this, tls = std::move(tls)] { tls_ = tls; });
}

void Worker::post(std::function<void(relay::request::WorkerContext&)> job) {
  asio::post(io_, [this, job = std::move(job)] { job(context_); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    context_.heartbeat().stop();
    io_.stop();
  });
  thread_.join();
}

void Worker::destroy_waiting() {
  context_.ledger_waits().destroy_all();
  inbox_->close();
  loop_->destroy_waiting();
}

http::Task<void> Worker::accept_loop(http::Acceptor& acceptor) {
  while (!draining_ && acceptor.is_open()) {
    // Told with the connection: of one that its client has reset by now the socket does not know it.
    asio::ip::tcp::endpoint from;
    auto [error, socket] = co_await acceptor.async_accept(from, http::k_await);
    // One that was accepted while this daemon began to stop is served: its client sees no other.
    if (error && (error == asio::error::operation_aborted || !acceptor.is_open())) co_return;
    if (error == asio::error::no_descriptors || error.value() == ENFILE || error == asio::error::no_buffer_space ||
        error == asio::error::no_memory) {
      // Out of descriptors the queue stays readable: without a pause this would spin.
      pause_accepting_until_fds_are_free();
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                 http::Executor>
          pause(io_, std::chrono::milliseconds(100));
      co_await pause.async_wait(http::k_await);
      continue;
    }
    if (error) continue;
    const auto peer = http::server::address_of(from);
    // A proxy's own connections are as many as it needs: its clients' requests are counted.
    auto place = is_trusted(peer) ? AddressPlace() : place_of(peer);
    if (!admit_connection(socket, place)) continue;
    asio::co_spawn(io_, serve(std::move(socket), peer, std::move(place)), asio::detached);
  }
}

// Lets one waiting client go with the descriptor kept for this.
void Worker::pause_accepting_until_fds_are_free() {
  if (const auto count = state_.no_descriptor.count(base::coarse_now()))
    shared_.log.warning("out of file descriptors: accepting is paused", {{"times", std::to_string(*count)}});
  if (reserve_fd_ < 0 || acceptors_.empty()) return;
  ::close(reserve_fd_);
  const int client = ::accept4(acceptors_.front().native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0) ::close(client);
  reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool Worker::is_trusted(const base::IpAddress& peer) const {
  const auto& settings = *context_.settings();
  return settings.trust_proxies && settings.trusted_proxies.contains(peer);
}

AddressPlace Worker::place_of(const base::IpAddress& address) {
  AddressPlace place(state_.addresses, address, state_.connections_per_address_max.load());
  if (!place.refused()) return place;
  if (const auto count = state_.crowded.count(base::coarse_now())) {
    shared_.log.warning("an address has as many connections as one may have: others of it are refused",
                        {{"source", address.to_string()}, {"times", std::to_string(*count)}});
  }
  return place;
}

bool Worker::admit_connection(http::Socket& socket, const AddressPlace& place) {
  http::SystemError ignored;
  const bool full = !place.refused() && state_.connections.fetch_add(1) >= state_.connections_max.load();
  if (full) state_.connections.fetch_sub(1);
  if (full || place.refused()) {
    state_.connections_refused.fetch_add(1);
    // Under TLS there is no word before a handshake, and a handshake is what there is no room for.
    if (!tls_) {
      const auto words = words_when_full(socket.native_handle());
      (void)::send(socket.native_handle(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    socket.shutdown(http::Socket::shutdown_send, ignored);
    return false;
  }
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  return true;
}

// `address_place` is only kept until the connection has ended.
http::Task<void> Worker::serve(http::Socket socket, base::IpAddress peer, [[maybe_unused]] AddressPlace address_place) {
  http::server::Connection client(std::move(socket), peer, context_.heartbeat(), limits_, shared_.unfinished,
                                  tls_.get());
  const auto place = connections_.insert(connections_.end(), &client);
  if (draining_) client.leave(k_patience);
  try {
    const bool begun = !client.is_tls() || co_await begin_tls(client);
    if (begun) co_await serve_requests(client);
  } catch (const std::exception& error) {
    // bad_alloc above all: this connection ends, the others go on.
    shared_.log.error("a connection ended by an exception", {{"what", error.what()}});
  }
  connections_.erase(place);
  state_.connections.fetch_sub(1);
}

http::Task<bool> Worker::begin_tls(http::server::Connection& client) {
  const auto outcome = co_await client.shake_hands();
  if (outcome == http::server::ReadOutcome::ok) co_return true;
  state_.handshakes_failed.fetch_add(1, std::memory_order_relaxed);
  if (outcome == http::server::ReadOutcome::wrong_protocol) note_wrong_protocol(client);
  co_return false;
}

// One line for all of a while: whoever can connect could fill the log.
void Worker::note_wrong_protocol(const http::server::Connection& client) {
  const auto count = state_.wrong_protocol.count(base::coarse_now());
  if (!count) return;
  shared_.log.warning(client.is_tls() ? "a client spoke no TLS to a TLS listener: it must connect by https://"
                                      : "a client spoke TLS to a plain listener: it must connect by http://",
                      {{"source", client.peer().to_string()}, {"connections", std::to_string(*count)}});
}

}  // namespace cr::server::listener
