// SPDX-License-Identifier: MIT
#include "server/listener/passed_sockets.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace cr::server::listener {
namespace {

using testing::HasSubstr;

config::Config config_of(std::string_view text) {
  auto config = config::parse_config(text, "crd.toml", config::Surroundings{true, "", "", "", "/root"});
  EXPECT_TRUE(config.has_value()) << config.error().message;
  return config ? *config : config::Config{};
}

// "127.0.0.1:80" or "/path", as descriptors from 3 on.
std::vector<PassedSocket> passed(const std::vector<std::string>& names) {
  std::vector<PassedSocket> sockets;
  for (const auto& name : names) {
    PassedSocket socket;
    socket.fd = 3 + static_cast<int>(sockets.size());
    const auto colon = name.rfind(':');
    if (name.starts_with('/')) {
      socket.path = name;
    } else {
      socket.address =
          config::ListenAddress{name.substr(0, colon), static_cast<std::uint16_t>(std::stoi(name.substr(colon + 1)))};
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

struct PlanCase {
  std::string config;
  std::vector<std::string> passed;
  std::vector<int> public_sockets;
  std::vector<std::string> binds;
  int admin_socket = -1;
};

TEST(PassedSockets, are_matched_by_address) {
  const PlanCase table[] = {
      {"", {}, {}, {"127.0.0.1:8787"}},
      {"", {"127.0.0.1:8787"}, {3}, {}},
      {"", {"0.0.0.0:80", ":::443"}, {3, 4}, {}},
      {"", {"/run/crd/admin.sock"}, {}, {"127.0.0.1:8787"}, 3},
      {"", {"/run/crd//admin.sock", "127.0.0.1:1"}, {4}, {}, 3},
      {"listen = ['127.0.0.1:8787']", {"127.0.0.1:8787"}, {3}, {}},
      {"listen = ['127.0.0.1:8787', '127.0.0.1:8788']", {"127.0.0.1:8788"}, {3}, {"127.0.0.1:8787"}},
      {"listen = ['127.0.0.1:1', '127.0.0.1:2']", {"127.0.0.1:2", "127.0.0.1:1"}, {3, 4}, {}},
      {"listen = ['[0:0:0:0:0:0:0:0]:80']", {":::80"}, {3}, {}},
      {"listen = ['127.0.0.1:80']", {"127.0.0.1:80", "127.0.0.1:80"}, {3, 4}, {}},  // ReusePort=
      {"admin_socket = '/tmp/a'", {"/tmp/a"}, {}, {"127.0.0.1:8787"}, 3},
  };
  for (const auto& row : table) {
    const auto plan = plan_listeners(config_of(row.config), passed(row.passed));
    ASSERT_TRUE(plan.has_value()) << row.config << ": " << plan.error().message;
    EXPECT_EQ(plan->public_sockets, row.public_sockets) << row.config;
    std::vector<std::string> binds;
    for (const auto& address : plan->binds) binds.push_back(address.to_string());
    EXPECT_EQ(binds, row.binds) << row.config;
    EXPECT_EQ(plan->admin_socket, row.admin_socket) << row.config;
  }
}

TEST(PassedSockets, that_nothing_names_are_refused_with_the_way_out) {
  struct Row {
    std::string config;
    std::vector<std::string> passed;
    std::string message, hint;
  };
  const Row table[] = {
      {"listen = ['127.0.0.1:8787']",
       {"127.0.0.1:80"},
       "a socket on 127.0.0.1:80, which 'listen'",
       "[\"127.0.0.1:80\"]"},
      {"listen = ['127.0.0.1:80']", {":::80"}, "a socket on [::]:80, which 'listen'", "listen = [\"[::]:80\"]"},
      {"listen = ['0.0.0.0:80']", {":::80"}, "a socket on [::]:80, which 'listen'", "listen = [\"[::]:80\"]"},
      {"listen = ['127.0.0.1:0']", {"127.0.0.1:80"}, "a socket on 127.0.0.1:80, which 'listen'", "crd.toml"},
      {"", {"/run/other.sock"}, "a socket on /run/other.sock, which 'admin_socket'", "\"/run/other.sock\""},
      {"", {"/run/crd/admin.sock", "/run/crd/admin.sock"}, "two sockets on /run/crd/admin.sock", "one is enough"},
  };
  for (const auto& row : table) {
    const auto plan = plan_listeners(config_of(row.config), passed(row.passed));
    ASSERT_FALSE(plan.has_value()) << row.config;
    EXPECT_EQ(plan.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(plan.error().message, HasSubstr(row.message));
    EXPECT_THAT(plan.error().hint, HasSubstr(row.hint));
  }
}

class Descriptor {
 public:
  Descriptor(int family, int type) : fd_(::socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }
  template <class Address>
  int bind(const Address& address) const {
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

 private:
  int fd_;
};

TEST(PassedSockets, say_what_they_are) {
  const Descriptor v4(AF_INET, SOCK_STREAM);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(v4.bind(address), 0);
  EXPECT_THAT(describe_passed_socket(v4.fd()).error().message, HasSubstr("is no listening")) << "bound only";
  ASSERT_EQ(::listen(v4.fd(), 1), 0);
  const auto tcp = describe_passed_socket(v4.fd());
  ASSERT_TRUE(tcp.has_value());
  EXPECT_EQ(tcp->address->host, "127.0.0.1");
  EXPECT_NE(tcp->address->port, 0);

  char folder[] = "/tmp/crd-passed-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const auto path = std::string(folder) + "/a.sock";
  const Descriptor local(AF_UNIX, SOCK_STREAM);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(local.bind(name), 0);
  ASSERT_EQ(::listen(local.fd(), 1), 0);
  EXPECT_EQ(describe_passed_socket(local.fd())->path, path);
  ::unlink(path.c_str());
  ::rmdir(folder);

  const Descriptor datagram(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(describe_passed_socket(datagram.fd()).error().code, base::ErrorCode::invalid);
  EXPECT_EQ(describe_passed_socket(STDIN_FILENO).error().code, base::ErrorCode::invalid);
}

}  // namespace
}  // namespace cr::server::listener
