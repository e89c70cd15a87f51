// SPDX-License-Identifier: MIT
// Connection over loopback: whatever precedes a request on its connection, whoever read how much of it, the request is
// read as itself or not at all.
#include "http/server/connection.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <random>

namespace cr::http::server {
namespace {

constexpr std::size_t k_kib = 1024;

std::string in_chunks(std::string_view content, std::mt19937& random) {
  std::string wire;
  while (!content.empty()) {
    const auto size = std::min<std::size_t>(content.size(), 1 + random() % (random() % 3 == 0 ? 40 : 20'000));
    char line[40];
    std::snprintf(line, sizeof line, "%zx%s\r\n", size, random() % 4 == 0 ? ";a=\"b\"" : "");
    wire.append(line).append(content.substr(0, size)).append("\r\n");
    content.remove_prefix(size);
  }
  return wire + "0\r\n" + (random() % 2 == 0 ? "content-length: 7\r\n" : "") + "\r\n";
}

// A server's Connection and the client's end of it, on one event loop that runs only when told to.
class Pair {
 public:
  static constexpr std::uint64_t k_memory = std::uint64_t{64} << 20;
  explicit Pair(const ConnectionLimits& limits = {}, std::uint64_t memory = k_memory)
      : unfinished({memory, 0}, Connection::k_grain), heartbeat_(io), socket_(io) {
    Acceptor acceptor(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    socket_.connect(acceptor.local_endpoint());
    socket_.set_option(asio::ip::tcp::no_delay(true));
    server = std::make_unique<Connection>(acceptor.accept(), base::IpAddress(), heartbeat_,
                                          std::make_shared<const ConnectionLimits>(limits), unfinished);
    heartbeat_.start();
  }
  ~Pair() {
    heartbeat_.stop();
    server->cut();
    io.run();
    server.reset();
    EXPECT_EQ(unfinished.used(), 0U) << "all of it is given back";
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Writes `wire` up to the next of `cuts`, lets the server read, and so on. What the socket does not take waits for
  // the server to read.
  void feed(std::string_view wire, const std::vector<std::size_t>& cuts) {
    std::size_t sent = 0;
    for (const auto cut : cuts) {
      while (sent < cut) {
        const auto bytes = ::send(socket_.native_handle(), wire.data() + sent, cut - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (bytes > 0) sent += static_cast<std::size_t>(bytes);
        if (bytes < 0 && errno != EAGAIN) return;
        run();
        pollfd writable{socket_.native_handle(), POLLOUT, 0};
        if (bytes < 0 && ::poll(&writable, 1, 5'000) == 0) return;  // the server has stopped reading
      }
    }
  }
  void shut() { socket_.shutdown(Socket::shutdown_send); }
  void run() {
    while (io.poll() > 0) continue;
  }
  // Until `done`, by events: the heartbeat's too.
  void run_until(const bool& done) {
    while (!done) io.run_one();
  }

  asio::io_context io;
  base::MemoryBudget unfinished;

 private:
  Heartbeat heartbeat_;
  Socket socket_;

 public:
  std::unique_ptr<Connection> server;
};

void start(Pair& pair, std::function<Task<void>()> story, bool& done) {
  asio::co_spawn(
      pair.io,
      [](std::function<Task<void>()> run, bool* ended) -> Task<void> {
        co_await run();
        *ended = true;
      }(std::move(story), &done),
      asio::detached);
}

enum class Way { whole, pieces, some_pieces, too_large, untouched };

struct Sent {
  std::string path, content, wire;
  Way way = Way::whole;
};

// Its body holds whole requests, which nobody must ever see.
Sent random_request(std::size_t number, std::mt19937& random) {
  static const std::vector<std::size_t> sizes = {0, 1, 50, 2'000, 3'900, 5'000, 30'000, 70'000, 200'000};
  static const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  Sent sent;
  sent.path = "/" + std::to_string(number);
  sent.way = static_cast<Way>(random() % 5);
  const auto size = sizes[random() % sizes.size()];
  while (sent.content.size() < size) sent.content += hidden;
  sent.content.resize(size);
  sent.wire = "POST " + sent.path + " HTTP/1.1\r\nHost: a\r\n";
  if (random() % 3 == 0) sent.wire += "X-Long: " + std::string(random() % 3'000, 'x') + "\r\n";
  switch (random() % 3) {
    case 0:
      sent.wire += "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(sent.content, random);
      break;
    case 1:
      if (sent.content.empty()) {
        sent.wire += "\r\n";
        break;
      }
      [[fallthrough]];
    default:
      sent.wire += "Content-Length: " + std::to_string(sent.content.size()) + "\r\n\r\n" + sent.content;
  }
  return sent;
}

Task<void> read_some(Connection& server, const Sent& sent) {
  std::string content;
  std::string_view piece;
  std::size_t pieces = 0;
  auto outcome = ReadOutcome::ok;
  switch (sent.way) {
    case Way::whole:
      if (!server.take_body(1024 * k_kib)) outcome = co_await server.read_body(1024 * k_kib);
      content = server.body();
      break;
    case Way::pieces:
    case Way::some_pieces:
      do {
        outcome = co_await server.read_piece(piece);
        content += piece;
        EXPECT_LE(piece.size(), 64 * k_kib);
      } while (outcome == ReadOutcome::ok && !server.body_ended() && (sent.way == Way::pieces || ++pieces < 2));
      break;
    case Way::too_large:
      if (!server.take_body(3'000)) outcome = co_await server.read_body(3'000);
      EXPECT_EQ(outcome, sent.content.size() > 3'000 ? ReadOutcome::too_large : ReadOutcome::ok);
      co_return;
    case Way::untouched:
      co_return;
  }
  EXPECT_EQ(outcome, ReadOutcome::ok);
  EXPECT_EQ(content, sent.content.substr(0, content.size()));
  if (sent.way != Way::some_pieces) {
    EXPECT_EQ(content.size(), sent.content.size());
    EXPECT_TRUE(server.body_ended());
  }
}

// Reads them all as their ways say; whatever is left of a body is drained.
Task<void> serve(Connection& server, const std::vector<Sent>& requests, std::size_t& served) {
  message::RequestHead head;
  for (const auto& sent : requests) {
    const auto outcome = co_await server.read_head(head);
    EXPECT_EQ(outcome, ReadOutcome::ok) << sent.path;
    EXPECT_EQ(head.path, sent.path);
    if (outcome != ReadOutcome::ok || head.path != sent.path) co_return;
    co_await read_some(server, sent);
    EXPECT_EQ(head.path, sent.path) << "the head's views hold while its body is read";
    const bool could = server.can_go_on();
    const bool drained = co_await server.drain_body();
    EXPECT_TRUE(drained || !could) << sent.path;
    if (!drained) co_return;
    server.end_request();
    ++served;
  }
}

void try_requests(const std::vector<Sent>& requests, const std::function<std::size_t(std::size_t)>& next_cut) {
  std::string wire;
  for (const auto& request : requests) wire += request.wire;
  std::vector<std::size_t> cuts;
  while (cuts.empty() || cuts.back() < wire.size())
    cuts.push_back(std::min(wire.size(), next_cut(cuts.empty() ? 0 : cuts.back())));
  ConnectionLimits patient;  // however slow the machine is
  patient.head_timeout = patient.body_timeout = patient.drain_timeout = std::chrono::hours(1);
  Pair pair(patient);
  bool done = false;
  std::size_t served = 0;
  start(
      pair, [&] { return serve(*pair.server, requests, served); }, done);
  pair.feed(wire, cuts);
  pair.run_until(done);
  EXPECT_EQ(served, requests.size());
}

TEST(ConnectionBodies, RandomRequestsInRandomPiecesAreEachReadAsThemselves) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Sent> requests;
    for (auto count = 2 + random() % 7; requests.size() < count;)
      requests.push_back(random_request(requests.size(), random));
    const auto most = 100 + random() % (random() % 2 == 0 ? 300 : 100'000);
    try_requests(requests, [&](std::size_t at) { return at + 1 + random() % most; });
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ConnectionBodies, CutAtEveryByte) {
  for (unsigned seed = 1000; seed < 1020; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Sent> requests;
    while (requests.size() < 4) {
      auto request = random_request(requests.size(), random);
      if (request.content.size() < 3'000) requests.push_back(std::move(request));
    }
    try_requests(requests, [](std::size_t at) { return at + 1; });
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ConnectionBodies, HundredsBehindEachKindOfBodyKeepTheirOrder) {
  for (unsigned seed = 2000; seed < 2060; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Sent> requests{random_request(0, random)};
    while (requests.size() < 400) {
      Sent sent;
      sent.path = "/" + std::to_string(requests.size());
      sent.wire = "GET " + sent.path + " HTTP/1.1\r\nHost: a\r\nX: " + std::string(random() % 60, 'x') + "\r\n\r\n";
      requests.push_back(sent);
    }
    try_requests(requests, [&](std::size_t at) { return at + 64 * k_kib; });
    if (testing::Test::HasFailure()) return;
  }
}

struct Left {
  ReadOutcome next = ReadOutcome::ok;
  bool could = true, must = false, drained = true;
};

// What becomes of one request that nobody reads further than `read` says.
Left leave(Pair& pair, const std::string& wire, const std::function<Task<void>(Connection&)>& read, bool shut = false) {
  Left left;
  bool done = false;
  start(
      pair,
      [&]() -> Task<void> {
        message::RequestHead head;
        const auto outcome = co_await pair.server->read_head(head);
        EXPECT_EQ(outcome, ReadOutcome::ok);
        if (read) co_await read(*pair.server);
        left.could = pair.server->can_go_on();
        left.must = pair.server->must_drain();
        left.drained = co_await pair.server->drain_body();
        pair.server->end_request();
        if (!left.drained) left.next = co_await pair.server->read_head(head);
      },
      done);
  pair.feed(wire, {wire.size()});
  if (shut) pair.shut();
  pair.run_until(done);
  return left;
}

std::string post(const std::string& fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" + std::string(body);
}
const std::string k_hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(ConnectionDrain, IsBoundedInBytesAndThenNothingMoreIsRead) {
  ConnectionLimits limits;
  limits.drain_bytes_max = 100 * k_kib;
  Pair pair(limits);
  std::string body;
  while (body.size() < 300 * k_kib) body += k_hidden;
  const auto left = leave(pair, post("Content-Length: " + std::to_string(body.size()), body), {});
  EXPECT_FALSE(left.could);
  EXPECT_TRUE(left.must);
  EXPECT_FALSE(left.drained);
  EXPECT_EQ(left.next, ReadOutcome::closed) << "not even the request in the body";
}

TEST(ConnectionDrain, IsBoundedInTime) {
  ConnectionLimits limits;
  limits.drain_timeout = std::chrono::milliseconds(1);
  Pair pair(limits);
  const auto left = leave(pair, post("Content-Length: 1000", k_hidden), {});
  EXPECT_TRUE(left.could);
  EXPECT_FALSE(left.drained);
  EXPECT_EQ(left.next, ReadOutcome::closed);
}

TEST(ConnectionDrain, WhatCannotComeIsNotWaitedFor) {
  const auto read = [](Connection& server) -> Task<void> { co_await server.read_body(1024 * k_kib); };
  struct Row {
    std::string name, wire;
    std::function<Task<void>(Connection&)> read;
  };
  const std::vector<Row> rows = {
      {"the client waits for 100-continue", post("Content-Length: 10\r\nExpect: 100-continue"), {}},
      {"malformed", post("Transfer-Encoding: chunked", "zz\r\n" + k_hidden), read},
      {"ended early", post("Content-Length: 100", k_hidden), read},
  };
  for (const auto& row : rows) {
    Pair pair;
    const auto left = leave(pair, row.wire, row.read, row.name == "ended early");
    EXPECT_FALSE(left.could) << row.name;
    EXPECT_FALSE(left.must) << row.name;
    EXPECT_FALSE(left.drained) << row.name;
    EXPECT_EQ(left.next, ReadOutcome::closed) << row.name;
  }
}

TEST(ConnectionDrain, AClientThatDoesNotWaitForContinueIsDrained) {
  Pair pair;
  const auto left = leave(pair, post("Content-Length: 33\r\nExpect: 100-continue", k_hidden), {});
  EXPECT_FALSE(left.could) << "nobody knows whether it sends all of it";
  EXPECT_TRUE(left.must);
}

TEST(ConnectionDrain, AReadThatWasCancelledMayGoOn) {
  Pair pair;
  const auto read = [&pair](Connection& server) -> Task<void> {
    asio::post(pair.io, [&server] { server.cancel_read(); });
    std::string_view piece;
    const auto outcome = co_await server.read_piece(piece);
    EXPECT_EQ(outcome, ReadOutcome::closed);
    EXPECT_EQ(piece, "");
    asio::post(pair.io, [&pair] { pair.feed(k_hidden, {k_hidden.size()}); });
  };
  const auto left = leave(pair, post("Content-Length: " + std::to_string(k_hidden.size())), read);
  EXPECT_TRUE(left.could);
  EXPECT_TRUE(left.drained);
}

// What comes is counted as long as it is not whole, and refused where there is no room for it.
struct Counted {
  std::string name, wire;
  std::size_t cut;  // so much of it comes first
  std::uint64_t held_least, held_most;
};

std::string padded(std::size_t bytes) {
  std::string fields;
  for (; bytes > 10'000; bytes -= 10'000) fields += "X-Pad: " + std::string(9'991, 'x') + "\r\n";
  return fields + "X-Pad: " + std::string(bytes, 'x') + "\r\n";
}

std::vector<Counted> counted_rows() {
  const std::string begin = "POST /1 HTTP/1.1\r\nHost: a\r\n";
  const auto sized = [&](std::size_t size) {
    return begin + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
  };
  const auto head = begin + padded(50'000) + "Content-Length: 0\r\n\r\n";
  std::mt19937 random(3);
  const auto chunks = begin + "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(std::string(60'000, 'x'), random);
  return {{"a usual head", begin + "X: y\r\n\r\n", 20, 0, 0},
          {"a small body", sized(3'000), 2'000, 0, 0},
          {"a long head", head, 45'000, 40 * k_kib, 100 * k_kib},
          {"a body that is not counted elsewhere", sized(60'000), 50'000, 48 * k_kib, 100 * k_kib},
          {"a body that is", sized(100'000), 90'000, 0, 8 * k_kib},
          {"in chunks", chunks, 50'000, 40 * k_kib, 120 * k_kib}};
}

// Reads the request of a row: how that ended, and what was held before its rest came and after.
struct Held {
  ReadOutcome outcome = ReadOutcome::ok;
  std::uint64_t before = 0, after = 0;
};

Held read_counted(const Counted& row, std::uint64_t memory) {
  Pair pair({}, memory);
  bool done = false;
  Held held;
  message::RequestHead head;
  start(
      pair,
      [&]() -> Task<void> {
        held.outcome = co_await pair.server->read_head(head);
        if (held.outcome == ReadOutcome::ok && !pair.server->take_body(1024 * k_kib))
          held.outcome = co_await pair.server->read_body(1024 * k_kib);
        held.after = pair.unfinished.used();
      },
      done);
  pair.feed(row.wire, {row.cut});
  held.before = pair.unfinished.used();
  if (!done) pair.feed(std::string_view(row.wire).substr(row.cut), {row.wire.size() - row.cut});
  pair.run_until(done);
  return held;
}

TEST(ConnectionMemory, WhatIsNotWholeIsCounted) {
  for (const auto& row : counted_rows()) {
    const auto held = read_counted(row, Pair::k_memory);
    EXPECT_EQ(held.outcome, ReadOutcome::ok) << row.name;
    EXPECT_GE(held.before, row.held_least) << row.name;
    EXPECT_LE(held.before, row.held_most) << row.name;
    EXPECT_EQ(held.after, 0U) << row.name;
  }
}

TEST(ConnectionMemory, WhatThereIsNoRoomForIsRefused) {
  for (const auto& row : counted_rows()) {
    const auto held = read_counted(row, 40 * k_kib);
    EXPECT_EQ(held.outcome, row.held_least > 0 ? ReadOutcome::no_room : ReadOutcome::ok) << row.name;
    EXPECT_LE(held.before, 20 * k_kib) << row.name << ": one address has half";
  }
}

}  // namespace
}  // namespace cr::http::server
