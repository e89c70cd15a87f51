// SPDX-License-Identifier: MIT
#include "server/listener/passed_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "base/address.h"
#include "base/text.h"

namespace cr::server::listener {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

bool is_option(int fd, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

std::string path_of(const sockaddr_storage& name, socklen_t size) {
  sockaddr_un address{};
  std::memcpy(&address, &name, std::min<std::size_t>(size, sizeof address));
  const auto room = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
  return {address.sun_path, ::strnlen(address.sun_path, room)};
}

std::optional<config::ListenAddress> address_of(const sockaddr_storage& name) {
  char text[INET6_ADDRSTRLEN] = {};
  if (name.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &name, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return config::ListenAddress{text, ntohs(address.sin_port)};
  }
  if (name.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 address{};
  std::memcpy(&address, &name, sizeof address);
  ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  return config::ListenAddress{text, ntohs(address.sin6_port)};
}

// However each is written: "::" is "0:0:0:0:0:0:0:0".
bool is_same(const config::ListenAddress& left, const config::ListenAddress& right) {
  const auto one = base::IpAddress::parse(left.host);
  const auto other = base::IpAddress::parse(right.host);
  // "::" and "0.0.0.0" differ by family: the first takes both.
  return left.port == right.port && one && other && *one == *other;
}

tl::unexpected<base::Error> unnamed(const std::string& shown, const std::string& setting, const std::string& value) {
  return fail(ErrorCode::invalid,
              "the service manager passes a socket on " + shown + ", which '" + setting + "' does not name",
              "write " + setting + " = " + value + " in crd.toml, or take it out of the .socket unit");
}

}  // namespace

Result<PassedSocket> describe_passed_socket(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  PassedSocket passed;
  passed.fd = fd;
  const bool listens = ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 &&
                       is_option(fd, SO_TYPE, SOCK_STREAM) && is_option(fd, SO_ACCEPTCONN, 1);
  if (listens) {
    passed.address = address_of(name);
    if (name.ss_family == AF_UNIX) passed.path = path_of(name, size);
  }
  if (passed.address || !passed.path.empty()) return passed;
  return fail(
      ErrorCode::invalid,
      "descriptor " + std::to_string(fd) +
          ", passed by the service manager, is no listening TCP socket and no listening unix socket with a path",
      "a .socket unit for crd has ListenStream= lines and Accept=no");
}

Result<ListenPlan> plan_listeners(const config::Config& config, const std::vector<PassedSocket>& passed) {
  ListenPlan plan;
  const auto is_named = [&](const config::ListenAddress& address) {
    return !config.listen_given || std::any_of(config.listen.begin(), config.listen.end(),
                                               [&](const auto& wanted) { return is_same(wanted, address); });
  };
  for (const auto& socket : passed) {
    if (socket.address) {
      const auto shown = socket.address->to_string();
      if (!is_named(*socket.address)) return unnamed(shown, "listen", "[\"" + shown + "\"]");
      plan.public_sockets.push_back(socket.fd);
    } else {
      const auto shown = base::escape_for_terminal(socket.path);
      const bool named = std::filesystem::path(socket.path).lexically_normal() ==
                         std::filesystem::path(config.admin_socket).lexically_normal();
      if (!named) return unnamed(shown, "admin_socket", "\"" + shown + "\"");
      if (plan.admin_socket >= 0)
        return fail(ErrorCode::invalid, "the service manager passes two sockets on " + shown, "one is enough");
      plan.admin_socket = socket.fd;
    }
  }
  if (!config.listen_given && !plan.public_sockets.empty()) return plan;
  for (const auto& wanted : config.listen) {
    const bool there = std::any_of(passed.begin(), passed.end(), [&](const auto& socket) {
      return socket.address && is_same(wanted, *socket.address);
    });
    if (!there) plan.binds.push_back(wanted);
  }
  return plan;
}

}  // namespace cr::server::listener
