// SPDX-License-Identifier: MIT
// The socket itself: its place, its limits, and bytes that are no proper request.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/admin/socket.h"
#include "unit/server/admin/fixture.h"

namespace cr::server::admin {
namespace {

constexpr std::chrono::seconds k_patience{20};

// One raw connection.
class Wire {
 public:
  explicit Wire(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Wire() { ::close(fd_); }
  bool connected() const { return connected_; }
  void send(std::string_view text) { (void)::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  void end() { ::shutdown(fd_, SHUT_WR); }
  // All that comes until `end` is in it or the server closes.
  std::string read_until(std::string_view end) {
    const auto give_up = base::steady_now() + k_patience;
    while (text_.find(end) == std::string::npos || end.empty()) {
      pollfd entry{fd_, POLLIN, 0};
      if (base::steady_now() >= give_up) return text_ + "(no end)";
      if (::poll(&entry, 1, 1000) <= 0) continue;
      char buffer[4096];
      const auto got = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      text_.append(buffer, static_cast<std::size_t>(got));
    }
    return std::exchange(text_, {});
  }
  std::string read_all() { return read_until({}); }

 private:
  int fd_;
  bool connected_ = false;
  std::string text_;
};

class AdminWire : public AdminFixture {
 protected:
  const std::string& path() const { return server_options_.socket_path; }
};

TEST_F(AdminWire, socket_is_for_its_owner_alone_without_the_group) {
  struct stat about {};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_TRUE(S_ISSOCK(about.st_mode));
  const auto mode = about.st_mode & 0777;
  EXPECT_TRUE(mode == 0600 || mode == 0660) << std::oct << mode;
  server_options_.group = "no-such-group-of-crd";
  start();
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(AdminWire, directory_is_made_for_the_group_only) {
  server_options_.socket_path = (folder_ / "run" / "crd" / "admin.sock").string();
  start();
  struct stat about {};
  ASSERT_EQ(::stat((folder_ / "run" / "crd").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777 & ~0750U, 0U);
  EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1");
}

TEST_F(AdminWire, a_live_socket_is_left_alone_and_a_stale_one_replaced) {
  const auto second = AdminServer::start(server_options_, *ledger_, hooks(), log_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(second.error().message, "another crd answers on " + path());
  EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1");
  server_.reset();
  EXPECT_NE(::access(path().c_str(), F_OK), 0) << "removed at the end";
  {
    // A crash leaves the file.
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(fd);
  }
  start();
  EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1");
}

TEST_F(AdminWire, what_is_no_socket_is_not_removed) {
  server_.reset();
  std::ofstream(path()) << "precious";
  const auto refused = AdminServer::start(server_options_, *ledger_, hooks(), log_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  EXPECT_EQ(::access(path().c_str(), F_OK), 0);
  server_options_.socket_path = "/" + std::string(120, 'a');
  EXPECT_EQ(AdminServer::start(server_options_, *ledger_, hooks(), log_).error().code, ErrorCode::invalid);
}

TEST_F(AdminWire, an_end_does_not_remove_another_ones_socket) {
  ASSERT_EQ(::rename(path().c_str(), (path() + ".old").c_str()), 0);
  std::ofstream(path()) << "not ours";
  server_.reset();
  EXPECT_EQ(::access(path().c_str(), F_OK), 0);
}

TEST(PeerOf, is_this_process) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const auto peer = peer_of(pair[0]);
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::getuid());
  ::close(pair[0]);
  ::close(pair[1]);
  EXPECT_FALSE(peer_of(-1).has_value());
}

TEST_F(AdminWire, plain_curl_forms_work) {
  create("ci");
  // As curl sends them: another content type, no length on DELETE, one connection.
  Wire wire(path());
  wire.send("GET /admin/v1/tokens/ci HTTP/1.1\r\nHost: crd\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n");
  EXPECT_THAT(wire.read_until("\"deleted_at\":null}"), HasSubstr("200 OK"));
  const std::string body = R"({"note":"100% + a=b&c"})";
  wire.send(
      "PATCH /admin/v1/tokens/ci HTTP/1.1\r\nHost: crd\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(wire.read_until("}]}"), HasSubstr("100% + a=b&c"));
  wire.send("DELETE /admin/v1/tokens/ci HTTP/1.1\r\nHost: crd\r\n\r\n");
  EXPECT_THAT(wire.read_until("}"), HasSubstr("200 OK"));
}

TEST_F(AdminWire, chunked_bodies_are_read) {
  Wire wire(path());
  wire.send("POST /admin/v1/tokens HTTP/1.1\r\nHost: crd\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"name\":\r\n");
  wire.send("5\r\n\"ci\"}\r\n0\r\n\r\n");
  EXPECT_THAT(wire.read_until("\"key\""), HasSubstr("201 Created"));
}

// A body in two ways, and what is none of them.
std::vector<std::pair<std::string, bool>> framings(const std::string& body) {
  const auto size = std::to_string(body.size());
  std::ostringstream hex;
  hex << std::hex << body.size();
  const auto chunks = hex.str() + "\r\n" + body + "\r\n0\r\n\r\n";
  return {{"\r\n", true},
          {"Content-Length: 0\r\n\r\n", true},
          {"Content-Length: " + size + "\r\n\r\n" + body, true},
          {"Transfer-Encoding: chunked\r\n\r\n" + chunks, true},
          {"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", true},
          {"Content-Length: " + size + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, false},
          {"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks, false},
          {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, false},
          {"Transfer-Encoding: identity\r\n\r\n" + body, false},
          {"Content-Length: " + size + "\r\nContent-Length: 0\r\n\r\n" + body, false},
          {"Content-Length: 0\r\nContent-Length: " + size + "\r\n\r\n" + body, false},
          {"Content-Length: 0, " + size + "\r\n\r\n" + body, false},
          {"Content-Length: -1\r\n\r\n" + body, false},
          {"Content-Length: +0\r\n\r\n" + body, false},
          {"Content-Length: 0x0\r\n\r\n" + body, false},
          {"Content-Length:\r\n\r\n" + body, false},
          {"Transfer-Encoding:\r\n\r\n" + chunks, false},
          {"Content-Length : " + size + "\r\n\r\n" + body, false},
          {"Transfer-Encoding : chunked\r\n\r\n" + chunks, false},
          {"Content-Length: 0\r\n " + size + "\r\n\r\n" + body, false},
          {"X: y\nContent-Length: " + size + "\r\n\r\n" + body, false},
          {"no colon\r\nContent-Length: " + size + "\r\n\r\n" + body, false},
          {"Content-Length: 99999999999999999999\r\n\r\n" + body, false}};
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(AdminWire, a_body_is_never_taken_for_the_next_request) {
  // Run, it would make a token.
  const std::string smuggled =
      "POST /admin/v1/tokens HTTP/1.1\r\nHost: crd\r\nContent-Length: 19\r\n\r\n{\"name\":\"smuggled\"}";
  const std::string next = "GET /admin/v1/version HTTP/1.1\r\nHost: crd\r\nConnection: close\r\n\r\n";
  for (const std::string method : {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW", "PRI"}) {
    for (const std::string target : {"/tokens/none", "/tokens", "/prices/none", "/nope"}) {
      for (const auto& [body, sound] : framings(smuggled)) {
        SCOPED_TRACE(method + " " + target + " " + body);
        Wire wire(path());
        wire.send(method + " /admin/v1" + target + " HTTP/1.1\r\nHost: crd\r\n" + body + next);
        const auto answers = wire.read_all();
        const auto count = count_of(answers, "HTTP/1.1 ");
        EXPECT_GE(count, 1U) << answers;
        EXPECT_LE(count, 2U) << answers;
        EXPECT_TRUE(sound || count == 1U) << answers;
        EXPECT_EQ(count_of(answers, "\"api\":\"v1\""), count - 1) << answers;
        const bool reads = method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
        EXPECT_TRUE(!sound || !reads || count == 2U) << answers;
        EXPECT_THAT(answers, HasSubstr("Connection: close"));
      }
    }
  }
  EXPECT_EQ(refused("GET", "/tokens/smuggled").code, ErrorCode::not_found);
}

struct BadCase {
  std::string request, status;
};

TEST_F(AdminWire, bad_requests_get_an_answer_and_do_nothing) {
  const auto rows = audit_rows();
  const std::string host = " HTTP/1.1\r\nHost: crd\r\n";
  const BadCase table[] = {
      {"GET /admin/v1/nope" + host + "\r\n", "404"},
      {"GET /v1/models" + host + "\r\n", "404"},
      {"GET /admin/v2/tokens" + host + "\r\n", "404"},
      {"PUT /admin/v1/tokens" + host + "\r\n", "405"},
      {"DELETE /admin/v1/status" + host + "\r\n", "405"},
      {"BREW /admin/v1/tokens" + host + "\r\n", "400"},
      {"OPTIONS /admin/v1/tokens" + host + "\r\n", "404"},
      {"nonsense\r\n\r\n", "400"},
      {"GET /admin/v1/tokens/a%00b" + host + "\r\n", "400"},
      {"GET /admin/v1/" + std::string(9000, 'a') + host + "\r\n", "414"},
      {"POST /admin/v1/tokens" + host + "\r\n", "400"},
      {"POST /admin/v1/tokens" + host + "Content-Length: 9999999\r\n\r\n", "413"},
      {"GET /admin/v1/tokens/%zz" + host + "\r\n", "400"},
      {"GET /admin/v1/status" + host + "Transfer_Encoding: chunked\r\n\r\n", "400"},
      {"POST /admin/v1/tokens" + host + "content.length: 2\r\n\r\n{}", "400"},
      {"POST /admin/v1/tokens" + host + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01", "400"},
      {"PATCH /admin/v1/tokens/x" + host + "If-Match: soon\r\nContent-Length: 2\r\n\r\n{}", "400"},
  };
  for (const auto& row : table) {
    Wire wire(path());
    wire.send(row.request);
    wire.end();
    const auto answer = wire.read_all();
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 " + row.status + " ")) << row.request.substr(0, 60);
    EXPECT_THAT(answer, HasSubstr("{\"error\":{\"code\":")) << row.request.substr(0, 60);
    EXPECT_THAT(answer, HasSubstr("x-request-id: req_")) << row.request.substr(0, 60);
  }
  EXPECT_EQ(audit_rows(), rows);
}

// Neither asked for nor waited for: the deadline for a request would end these connections without an answer.
TEST_F(AdminWire, a_body_announced_as_too_large_is_refused_before_it_comes) {
  for (const std::string line : {"POST /admin/v1/tokens", "PATCH /admin/v1/tokens/none", "DELETE /admin/v1/tokens/none",
                                 "POST /admin/v1/none", "GET /admin/v1/status"}) {
    for (const std::string fields : {"", "Expect: 100-continue\r\n"}) {
      SCOPED_TRACE(line + " " + fields);
      Wire wire(path());
      wire.send(line + " HTTP/1.1\r\nHost: crd\r\n" + fields + "Content-Length: 1073741824\r\n\r\n");
      const auto answer = wire.read_all();
      EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 413 "));
      EXPECT_THAT(answer, HasSubstr("the request is larger than"));
      EXPECT_THAT(answer, HasSubstr("Connection: close"));
    }
  }
  Wire doubtful(path());
  doubtful.send("POST /admin/v1/tokens HTTP/1.1\r\nHost: crd\r\nExpect: 100-continue\r\nContent-Length: x\r\n\r\n");
  EXPECT_THAT(doubtful.read_all(), testing::StartsWith("HTTP/1.1 400 ")) << "and not 100 before it";
}

TEST_F(AdminWire, a_stale_rev_is_412) {
  create("ci");
  Wire wire(path());
  wire.send(
      "PATCH /admin/v1/tokens/ci HTTP/1.1\r\nHost: crd\r\nIf-Match: \"9\"\r\nContent-Length: "
      "12\r\n\r\n{\"note\":\"x\"}");
  EXPECT_THAT(wire.read_until("request_id"), testing::StartsWith("HTTP/1.1 412 "));
}

TEST_F(AdminWire, an_endless_head_is_cut) {
  Wire wire(path());
  wire.send("GET /admin/v1/status HTTP/1.1\r\nHost: crd\r\n");
  for (int count = 0; count < 200; ++count) wire.send("X-Filler: " + std::string(1000, 'x') + "\r\n");
  wire.end();
  EXPECT_THAT(wire.read_all(), Not(HasSubstr("200 OK")));
  EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1");
}

TEST_F(AdminWire, a_half_request_is_given_up_at_its_deadline) {
  server_options_.request_timeout = std::chrono::milliseconds(50);
  start();
  Wire head(path()), body(path());
  head.send("POST /admin/v1/tokens HTT");
  body.send("POST /admin/v1/tokens HTTP/1.1\r\nHost: crd\r\nContent-Length: 100\r\n\r\n{\"na");
  EXPECT_THAT(head.read_all(), Not(HasSubstr("(no end)")));
  EXPECT_THAT(body.read_all(), Not(HasSubstr("(no end)")));
  EXPECT_EQ(get<cr::admin::Page<cr::admin::Token>>("/tokens").items.size(), 0U);
}

TEST_F(AdminWire, an_idle_connection_is_closed) {
  server_options_.idle_timeout = std::chrono::milliseconds(50);
  start();
  Wire wire(path());
  EXPECT_EQ(wire.read_all(), "");
}

TEST_F(AdminWire, too_many_connections_are_told_so) {
  server_options_.connections_max = 3;
  server_options_.waiting_max = server_options_.waiting_kept = server_options_.connections_kept = 0;
  start();
  std::vector<std::unique_ptr<Wire>> held;
  for (int count = 0; count < 3; ++count) {
    held.push_back(std::make_unique<Wire>(path()));
    held.back()->send("GET /admin/v1/version HTTP/1.1\r\nHost: crd\r\n\r\n");
    EXPECT_THAT(held.back()->read_until("\"v1\"}"), HasSubstr("200 OK"));
  }
  Wire one_more(path());
  const auto answer = one_more.read_all();
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer, HasSubstr("crd has no admin connection left for your uid"));
}

TEST_F(AdminWire, half_requests_of_one_user_lock_nobody_out) {
  constexpr uid_t k_other = 1001;
  std::atomic<uid_t> uid{k_other};
  server_options_.peer = [&uid](int) -> base::Result<Peer> { return Peer{1, uid.load(), 1}; };
  server_options_.waiting_each_uid_max = 3;
  start();
  std::vector<std::unique_ptr<Wire>> held;
  const auto hold = [&] {
    held.push_back(std::make_unique<Wire>(path()));
    held.back()->send("GET /admin/v1/version HTTP/1.1\r\n");
  };
  for (std::size_t count = 0; count < server_options_.connections_each_uid_max + 2; ++count) hold();
  Wire waits(path());
  waits.send("GET /admin/v1/version HTTP/1.1\r\nHost: crd\r\nConnection: close\r\n\r\n");
  Wire refused(path());
  EXPECT_THAT(refused.read_all(), HasSubstr("no admin connection left for your uid"));
  for (const uid_t served : {uid_t{1002}, uid_t{0}}) {
    uid = served;
    EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1") << served;
  }
  for (std::size_t count = 0; count < 3; ++count) {
    held[count]->send("Host: crd\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(held[count]->read_all(), HasSubstr("\"v1\"}")) << "those it has work";
  }
  EXPECT_THAT(waits.read_all(), HasSubstr("\"v1\"}")) << "and make place for those that wait";
}

// Its answer is on its way before it has written all: who closed then would take the words along.
TEST_F(AdminWire, a_refusal_is_read_by_a_peer_that_still_writes) {
  server_options_.peer = [](int) -> base::Result<Peer> { return base::fail(ErrorCode::forbidden, "not you"); };
  start();
  const std::string body(1 << 20, 'x');
  for (int count = 0; count < 20; ++count) {
    Wire wire(path());
    wire.send("POST /admin/v1/tokens HTTP/1.1\r\nHost: crd\r\nContent-Length: 1048576\r\n\r\n");
    wire.send(body);
    EXPECT_THAT(wire.read_all(), HasSubstr("not you"));
  }
}

TEST_F(AdminWire, stopping_wakes_idle_connections_and_finishes_running_requests) {
  Wire idle(path()), half(path());
  idle.send("GET /admin/v1/version HTTP/1.1\r\nHost: crd\r\n\r\n");
  EXPECT_THAT(idle.read_until("\"v1\"}"), HasSubstr("200 OK"));
  half.send("GET /admin/v1/ver");
  server_->stop();
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_THAT(half.read_all(), Not(HasSubstr("(no end)")));
  EXPECT_FALSE(Wire(path()).connected() && client().call("GET", "/version").has_value());
  server_->stop();  // once is enough, twice does no harm
}

}  // namespace
}  // namespace cr::server::admin
