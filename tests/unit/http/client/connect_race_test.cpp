// SPDX-License-Identifier: MIT
#include "http/client/connect_race.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>

#include "support/tcp_listener.h"

namespace cr::http::client {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Endpoints = std::vector<Endpoint>;
using std::chrono::milliseconds;

Endpoint at(const char* address, int port = 443) {
  return {asio::ip::make_address(address), static_cast<std::uint16_t>(port)};
}

TEST(Interleaved, TakesFamiliesByTurnsFromTheFirstOnesOwn) {
  EXPECT_EQ(interleaved({}), Endpoints{});
  EXPECT_EQ(interleaved({at("::1"), at("::2"), at("::3"), at("1.1.1.1")}),
            (Endpoints{at("::1"), at("1.1.1.1"), at("::2"), at("::3")}));
  EXPECT_EQ(interleaved({at("1.1.1.1"), at("2.2.2.2"), at("::1"), at("::2")}),
            (Endpoints{at("1.1.1.1"), at("::1"), at("2.2.2.2"), at("::2")}));
  EXPECT_EQ(interleaved({at("1.1.1.1"), at("2.2.2.2")}), (Endpoints{at("1.1.1.1"), at("2.2.2.2")}));
}

// Accepts no connection once its short queue is full.
class BlackHole {
 public:
  BlackHole() : acceptor_(io_) {
    acceptor_.open(asio::ip::tcp::v4());
    acceptor_.bind(at("127.0.0.1", 0));
    acceptor_.listen(0);
    for (int i = 0; i < 8; ++i) {
      fillers_.emplace_back(io_);
      fillers_.back().async_connect(acceptor_.local_endpoint(), [](const auto&) {});
    }
    io_.poll();
  }
  Endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  asio::io_context io_;
  Acceptor acceptor_;
  std::vector<Socket> fillers_;
};

enum class Then { wait, cancel };

class ConnectRaceTest : public testing::Test {
 protected:
  base::Result<Socket> run(const Endpoints& endpoints, milliseconds delay, Then then = Then::wait) {
    ConnectRace race(io_, endpoints, delay);
    std::optional<base::Result<Socket>> result;
    asio::co_spawn(
        io_, [&]() -> Task<void> { result = co_await race.run(); }, asio::detached);
    if (then == Then::cancel) asio::post(io_, [&] { race.cancel(); });
    io_.run();
    io_.restart();
    return std::move(*result);
  }

  asio::io_context io_;
  test::TcpListener listener_{[](int fd) {
    char byte = 0;
    (void)::recv(fd, &byte, 1, 0);
  }};
};

TEST_F(ConnectRaceTest, AFailureStartsTheNextAtOnce) {
  // The wait between attempts is longer than any test: only the failure can have started the second.
  auto socket = run({at("127.0.0.1", 1), at("127.0.0.1", listener_.port())}, std::chrono::hours(1));
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(socket->remote_endpoint().port(), listener_.port());
}

TEST_F(ConnectRaceTest, SilenceStartsTheNextAfterTheDelay) {
  const BlackHole hole;
  auto socket = run({hole.endpoint(), at("127.0.0.1", listener_.port())}, milliseconds(20));
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(socket->remote_endpoint().port(), listener_.port());
}

TEST_F(ConnectRaceTest, AllFailedIsTheLastOnesError) {
  const auto socket = run({at("127.0.0.1", 1), at("127.0.0.1", 2)}, std::chrono::hours(1));
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().message.find("refused"), std::string::npos) << socket.error().message;
}

// No new descriptor, whatever number has become free: for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ConnectRaceTest, WithoutADescriptorItIsThisMachinesFault) {
  // Connections wait in the kernel: nobody takes a descriptor for them while there is none.
  asio::io_context idle;
  Acceptor silent(idle, at("127.0.0.1", 0));
  const Endpoint there = silent.local_endpoint();
  EXPECT_TRUE(run({there}, std::chrono::hours(1))) << "the loop has its own from here on";
  {
    const NoDescriptors none;
    for (const auto& endpoints : {Endpoints{there}, Endpoints{there, at("127.0.0.1", 1)}}) {
      const auto socket = run(endpoints, std::chrono::hours(1));
      ASSERT_FALSE(socket);
      EXPECT_EQ(socket.error().code, base::ErrorCode::exhausted);
      EXPECT_NE(socket.error().message.find("open files"), std::string::npos) << socket.error().message;
    }
  }
  EXPECT_TRUE(run({there}, std::chrono::hours(1)));
  EXPECT_EQ(run({at("127.0.0.1", 1)}, std::chrono::hours(1)).error().code, base::ErrorCode::upstream);
}

TEST_F(ConnectRaceTest, CancelEndsIt) {
  const BlackHole hole;
  EXPECT_FALSE(run({hole.endpoint()}, milliseconds(20), Then::cancel));
  EXPECT_FALSE(run({}, milliseconds(20)));
}

}  // namespace
}  // namespace cr::http::client
