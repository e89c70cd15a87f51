// SPDX-License-Identifier: MIT
// Worker: one thread, its own event loop, one listener of its own on each address (SO_REUSEPORT). A connection lives
// and dies here. Made and stopped by main; the functions marked "any thread" may be called from others. What its
// coroutines refer to is a member, or outlives it; stop() destroys the coroutines before any of that ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/rare_line.h"
#include "base/result.h"
#include "dialect/endpoint.h"
#include "http/net/event_loop.h"
#include "http/net/net.h"
#include "http/server/connection.h"
#include "http/tls/tls_server.h"
#include "relay/request/answer_text.h"
#include "relay/request/worker_context.h"
#include "server/listener/address_places.h"

namespace cr::server::listener {

// Shared by all workers.
struct ListenerState {
  std::atomic<std::int64_t> connections{0};
  std::atomic<std::int64_t> accepting{0};  // workers that may still count a connection more
  std::atomic<std::int64_t> connections_max{10'000};
  // Of one address at once: connections, or requests of one client of a trusted proxy.
  std::atomic<std::int64_t> connections_per_address_max{5'000};
  AddressPlaces addresses;
  std::atomic<std::uint64_t> requests_per_connection_max{10'000};
  std::atomic<std::uint64_t> connections_refused{0};
  std::atomic<std::uint64_t> handshakes_failed{0};
  std::atomic<std::int64_t> drains{0};  // connections that close once the rest of a body has been read away
  // `of_address` 0: half of all.
  void use_limits(std::int64_t all, std::int64_t of_address) {
    connections_max = all;
    connections_per_address_max = of_address == 0 ? (all + 1) / 2 : of_address;
  }
  base::RareLine wrong_protocol;  // TLS spoken to a plain listener, or HTTP to a TLS one
  base::RareLine no_descriptor;   // of an accept
  base::RareLine crowded;         // an address that has as many connections as one may
};

class Worker {
 public:
  // `inbox` is the one whose operations the ledger delivers for this worker, on `loop`.
  Worker(std::unique_ptr<http::EventLoop> loop, std::shared_ptr<relay::request::LedgerInbox> inbox, std::uint32_t index,
         relay::request::Shared& shared, ListenerState& state, std::shared_ptr<const relay::policy::Settings> settings,
         std::shared_ptr<const http::server::ConnectionLimits> limits);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before start(). `port` 0 takes a free one; bound() tells which. `unavailable` if the address is taken.
  base::Result<void> listen(const std::string& host, std::uint16_t port);
  // A listening socket handed over by the service manager; this worker gets its own duplicate.
  base::Result<void> adopt(int fd);
  const std::vector<http::asio::ip::tcp::endpoint>& bound() const { return bound_; }

  void start();
  // Any thread. Stops accepting, closes idle connections; running requests go on.
  void drain();
  // Any thread. Cuts what still runs; it is settled all the same.
  void cut();
  // Any thread. New settings for requests and connections from now on.
  void use(std::shared_ptr<const relay::policy::Settings> settings,
           std::shared_ptr<const http::server::ConnectionLimits> limits);
  // Any thread; before start() for a listener that speaks TLS from its first connection on. New connections prove
  // themselves with `tls`, open ones keep what they began with.
  void use_tls(std::shared_ptr<const http::tls::TlsServer> tls);
  // Any thread: runs `job` on this worker's thread.
  void post(std::function<void(relay::request::WorkerContext&)> job);
  // In this order, for all workers: the first ends the loop and joins the thread; the second destroys what still waits,
  // once no other thread posts here any more but the ledger's, whose operations are then finished without the loop.
  void stop();
  void destroy_waiting();

 private:
  http::Task<void> accept_loop(http::Acceptor& acceptor);
  bool admit_connection(http::Socket& socket, const AddressPlace& place);
  bool is_trusted(const base::IpAddress& peer) const;
  AddressPlace place_of(const base::IpAddress& address);
  AddressPlace place_of_client(const http::server::Connection& proxy, const http::message::RequestHead& head);
  http::Task<void> serve(http::Socket socket, base::IpAddress peer, AddressPlace place);
  http::Task<bool> begin_tls(http::server::Connection& client);
  http::Task<void> serve_requests(http::server::Connection& client);
  http::Task<void> linger(http::server::Connection& client);
  void note_wrong_protocol(const http::server::Connection& client);
  http::Task<relay::request::Persistence> answer(http::server::Connection& client,
                                                 const http::message::RequestHead& head, const AddressPlace& place);
  http::Task<relay::request::Persistence> relay_to_channel(http::server::Connection& client,
                                                           const http::message::RequestHead& head,
                                                           dialect::Endpoint endpoint);
  http::Task<relay::request::Persistence> answer_other(http::server::Connection& client,
                                                       const http::message::RequestHead& head, bool endpoint);
  http::Task<relay::request::Persistence> answer_crowd(http::server::Connection& client,
                                                       const http::message::RequestHead& head);
  http::Task<relay::request::Persistence> answer_preflight(http::server::Connection& client,
                                                           const http::message::RequestHead& head,
                                                           const relay::request::AnswerFor& to);
  http::Task<relay::request::Persistence> answer_health(http::server::Connection& client,
                                                        const http::message::RequestHead& head,
                                                        const relay::request::AnswerFor& to);
  void pause_accepting_until_fds_are_free();

  const std::unique_ptr<http::EventLoop> loop_;  // first, so that it ends last
  http::asio::io_context& io_;
  const std::shared_ptr<relay::request::LedgerInbox> inbox_;
  const std::uint32_t index_;
  relay::request::Shared& shared_;
  ListenerState& state_;
  std::shared_ptr<const http::server::ConnectionLimits> limits_;
  std::shared_ptr<const http::tls::TlsServer> tls_;  // null: plain
  relay::request::WorkerContext context_;
  std::list<http::Acceptor> acceptors_;
  std::vector<http::asio::ip::tcp::endpoint> bound_;
  std::list<http::server::Connection*> connections_;
  bool draining_ = false;
  int reserve_fd_ = -1;  // given up when descriptors run out, so that a waiting client can be told
  std::thread thread_;
};

// Whether something else listens there already: SO_REUSEPORT alone would share the port with it in silence.
base::Result<void> check_address_is_free(const std::string& host, std::uint16_t port);

}  // namespace cr::server::listener
