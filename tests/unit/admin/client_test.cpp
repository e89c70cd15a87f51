// SPDX-License-Identifier: MIT
// The client against a socket that behaves badly. Against the real server: tests/unit/server.
#include "admin/client.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "admin/redact.h"

namespace cr::admin {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class ClientSocket : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "crctl_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/admin.sock";
  }
  void TearDown() override {
    if (server_.joinable()) server_.join();
    if (listener_ >= 0) ::close(listener_);
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  void listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(listener_, 4), 0);
  }
  // Accepts one connection, reads a request's head, answers with `text` and closes.
  void answer_once(std::string text) {
    server_ = std::thread([this, text = std::move(text)] {
      const int fd = ::accept(listener_, nullptr, nullptr);
      while (!has_all()) {
        char buffer[4096];
        const auto got = ::recv(fd, buffer, sizeof(buffer), 0);
        if (got <= 0) break;
        received_.append(buffer, static_cast<std::size_t>(got));
      }
      EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
      ::close(fd);
    });
  }
  // Head and body: a connection closed with bytes unread is reset, and may take the answer with it.
  bool has_all() const {
    const auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    constexpr std::string_view k_length = "Content-Length: ";
    const auto length = received_.find(k_length);
    const auto body = length < end ? std::stoul(received_.substr(length + k_length.size())) : 0;
    return received_.size() >= end + 4 + body;
  }
  Client client(milliseconds timeout = milliseconds(10'000)) { return Client({path_, timeout, {}}); }

  std::string directory_, path_, received_;
  int listener_ = -1;
  std::thread server_;
};

TEST_F(ClientSocket, says_that_no_daemon_is_there) {
  const auto missing = client().call("GET", "/status");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::unavailable);
  EXPECT_EQ(missing.error().message, "no daemon answers on " + path_ + ": no such file");
  EXPECT_THAT(missing.error().hint, HasSubstr("systemctl start crd"));
  listen();
  ::close(std::exchange(listener_, -1));
  const auto stale = client().call("GET", "/status");
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().code, ErrorCode::unavailable);
  EXPECT_EQ(stale.error().message, "no daemon answers on " + path_ + ": connection refused");
}

TEST_F(ClientSocket, says_who_may_use_it) {
  listen();
  ASSERT_EQ(::chmod(path_.c_str(), 0), 0);
  // Root may use every socket: for this call it is somebody else.
  const uid_t self = ::geteuid();
  constexpr uid_t k_nobody = 65534;
  ASSERT_TRUE(self != 0 || ::seteuid(k_nobody) == 0);
  const auto refused = client().call("GET", "/status");
  ASSERT_TRUE(self != 0 || ::seteuid(self) == 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::forbidden);
  EXPECT_THAT(refused.error().hint, HasSubstr("the admin socket is for root"));
}

TEST_F(ClientSocket, gives_up_at_the_deadline) {
  listen();  // accepts by the kernel's queue, and never answers
  const auto late = client(milliseconds(100)).call("GET", "/status");
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  EXPECT_THAT(late.error().hint, HasSubstr("--timeout"));
}

TEST_F(ClientSocket, says_that_the_connection_closed) {
  listen();
  answer_once("");
  const auto closed = client().call("POST", "/tokens", R"({"name":"a"})");
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, ErrorCode::unavailable);
  EXPECT_THAT(closed.error().message, HasSubstr("closed the connection without an answer"));
}

TEST_F(ClientSocket, sends_what_was_asked) {
  listen();
  answer_once("HTTP/1.1 200 OK\r\nETag: \"5\"\r\nContent-Length: 2\r\n\r\n{}");
  CallOptions options;
  options.dry_run = true;
  options.reason = "it's late\r\nX-Evil: 1";
  options.if_rev = 5;
  options.idempotency_key = "k 1";
  const auto answer = client().call("POST", "/tokens?limit=1", R"({"name":"a"})", options);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(answer->headers.at("etag"), "\"5\"");
  server_.join();
  EXPECT_THAT(received_, HasSubstr("POST /admin/v1/tokens?limit=1&dry_run=true HTTP/1.1\r\n"));
  EXPECT_THAT(received_, HasSubstr("Host: crd\r\n"));
  EXPECT_THAT(received_, HasSubstr("If-Match: 5\r\n"));
  EXPECT_THAT(received_, HasSubstr("X-Crd-Reason: it%27s%20late%0D%0AX-Evil%3A%201\r\n"));
  EXPECT_THAT(received_, HasSubstr("Idempotency-Key: k%201\r\n"));
  EXPECT_THAT(received_, Not(HasSubstr("\nX-Evil")));
}

TEST_F(ClientSocket, refuses_a_path_that_is_none) {
  for (const char* path : {"", "status", "/a b", "/a\r\nX: 1", "/\xc3\xbc"}) {
    const auto refused = client().call("GET", path);
    ASSERT_FALSE(refused.has_value()) << path;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid) << path;
  }
  const auto long_path = Client({"/" + std::string(200, 'a'), milliseconds(100), {}}).call("GET", "/status");
  ASSERT_FALSE(long_path.has_value());
  EXPECT_EQ(long_path.error().code, ErrorCode::invalid);
  EXPECT_THAT(long_path.error().message, HasSubstr("too long"));
}

TEST_F(ClientSocket, tells_two_versions_apart) {
  listen();
  const std::string body = R"({"error":{"code":"not_found","message":"no such address","hint":"","request_id":"r"}})";
  answer_once("HTTP/1.1 404 Not Found\r\nx-crd-version: 9.9.9\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  const auto answer = client().call("GET", "/new-thing");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::not_found);
  EXPECT_EQ(answer.error().hint, "the daemon is crd 9.9.9 and this is crctl " CR_VERSION);
}

TEST_F(ClientSocket, traces_without_keys) {
  listen();
  const std::string body = R"({"token":{"name":"ci"},"key":"sk-cr-secret"})";
  answer_once("HTTP/1.1 201 Created\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  std::string trace;
  Client client({path_, milliseconds(10'000), [&](std::string_view line) { trace += std::string(line) + "\n"; }});
  const auto answer = client.call("POST", "/tokens", R"({"name":"ci","key":"sk-own-secret"})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(answer->body, HasSubstr("sk-cr-secret"));
  EXPECT_EQ(trace,
            "> POST /admin/v1/tokens {\"name\":\"ci\",\"key\":\"[redacted]\"}\n"
            "< 201 {\"token\":{\"name\":\"ci\"},\"key\":\"[redacted]\"}\n");
}

TEST(Redacted, hides_keys_wherever_they_are) {
  EXPECT_EQ(redacted(R"([{"a":{"key":"secret"}},{"key":{"day":"x"},"n":1,"t":true,"z":null}])"),
            R"([{"a":{"key":"[redacted]"}},{"key":{"day":"x"},"n":1,"t":true,"z":null}])");
  EXPECT_EQ(redacted("key=secret"), "(10 bytes that are not JSON)");
}

}  // namespace
}  // namespace cr::admin
