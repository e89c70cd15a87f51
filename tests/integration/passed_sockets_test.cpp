// SPDX-License-Identifier: MIT
// Sockets that the service manager passes, by systemd's own systemd-socket-activate: it listens, and becomes crd at the
// first connection.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// One that nobody has at the moment: systemd-socket-activate takes no port 0.
int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string local(int port) {
  return "127.0.0.1:" + std::to_string(port);
}

class PassedSockets : public testing::Test {
 protected:
  // `top_level` of the configuration; what is passed, an address or a path each.
  void start(const std::string& top_level, const std::vector<std::string>& passed) {
    write_file(dir_ / "crd.toml",
               "state_dir = '" + (dir_ / "state") + "'\nadmin_socket = '" + admin_socket() + "'\n" + top_level);
    std::vector<std::string> argv{"systemd-socket-activate"};
    for (const auto& name : passed) argv.insert(argv.end(), {"-l", name});
    argv.insert(argv.end(), {crd_program(), "--config", dir_ / "crd.toml"});
    crd_ = std::make_unique<Process>(Process::Options{.argv = argv, .env = {}, .directory = {}});
    for (const auto& name : passed)
      ASSERT_TRUE(crd_->wait_for_line(Stream::err, "Listening on " + name)) << crd_->err();
  }
  static int health(int port) { return HttpClient(port, "").get("/healthz").status; }
  static bool is_healthy(int port) {
    try {
      return health(port) == 200;
    } catch (const std::exception&) {
      return false;
    }
  }
  Finished crctl(std::vector<std::string> args) const {
    args.insert(args.begin(), {crctl_program(), "--socket", admin_socket()});
    return run({.argv = args, .env = {}, .directory = {}});
  }
  std::string admin_socket() const { return dir_ / "admin.sock"; }
  int stop() {
    crd_->signal(SIGTERM);
    return crd_->wait().value_or(-1);
  }

  TempDir dir_;
  std::unique_ptr<Process> crd_;
};

TEST_F(PassedSockets, stand_in_for_the_default_and_stay_over_a_reload) {
  for (const std::string workers : {"1", "3"}) {
    const int port = free_port();
    start("workers = " + workers + "\n", {local(port)});
    for (int count = 0; count < 20; ++count) EXPECT_EQ(health(port), 200);
    EXPECT_TRUE(crd_->wait_for_line(Stream::err, "address=" + local(port))) << crd_->err();
    EXPECT_THAT(crd_->err(), Not(HasSubstr("8787")));
    EXPECT_THAT(crctl({"status", "--json"}).out, HasSubstr(local(port)));
    const auto reloaded = crctl({"config", "reload"});
    EXPECT_EQ(reloaded.exit, 0) << reloaded.err;
    EXPECT_EQ(health(port), 200);
    EXPECT_EQ(stop(), 0) << crd_->err();
  }
}

TEST_F(PassedSockets, are_matched_by_address_and_the_rest_is_bound) {
  const int port = free_port();
  start("workers = 2\nlisten = ['127.0.0.1:0', '" + local(port) + "']\n", {local(port)});
  EXPECT_EQ(health(port), 200);
  const auto own = crd_->wait_for_line(Stream::err, " ready");
  ASSERT_TRUE(own) << crd_->err();
  const auto status = Json::parse(crctl({"status", "--json"}).out);
  ASSERT_EQ(status.at("listen").size(), 2U);
  for (const auto& address : status.at("listen")) {
    const auto text = address.get<std::string>();
    EXPECT_EQ(health(std::stoi(text.substr(text.rfind(':') + 1))), 200) << text;
  }
  EXPECT_EQ(stop(), 0) << crd_->err();
}

TEST_F(PassedSockets, that_no_setting_names_end_the_start) {
  const int port = free_port();
  start("listen = ['127.0.0.1:0']\n", {local(port)});
  // Whoever connects is cut off, at once or when the process has ended.
  EXPECT_FALSE(is_healthy(port));
  EXPECT_EQ(crd_->wait(), 6) << "the configuration does not fit";
  EXPECT_THAT(crd_->err(), HasSubstr("passes a socket on " + local(port) + ", which 'listen' does not name"));
  EXPECT_THAT(crd_->err(), HasSubstr("hint: write listen = [\"" + local(port) + "\"]"));
}

TEST_F(PassedSockets, the_admin_socket_too_and_its_file_stays) {
  const int port = free_port();
  start("", {local(port), admin_socket()});
  EXPECT_EQ(health(port), 200);
  EXPECT_EQ(crctl({"status"}).exit, 0);
  EXPECT_EQ(stop(), 0) << crd_->err();
  EXPECT_EQ(::access(admin_socket().c_str(), F_OK), 0) << "whoever connects waits for the next crd";
}

}  // namespace
}  // namespace cr::test
