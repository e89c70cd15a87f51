// SPDX-License-Identifier: MIT
#include "server/admin/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "base/text.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr int k_backlog = 256;
constexpr uid_t k_unmapped_uid = 65534;
constexpr mode_t k_owner_only = 0600;
constexpr mode_t k_owner_and_group = 0660;

// Closes what it still holds.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

tl::unexpected<base::Error> cannot(std::string_view doing, const std::string& path, int code) {
  return fail(code == EACCES || code == EPERM ? ErrorCode::forbidden : ErrorCode::unavailable,
              "cannot " + std::string(doing) + " " + base::escape_for_terminal(path) + ": " +
                  base::to_lower_ascii(std::generic_category().message(code)),
              "set another 'admin_socket' in crd.toml, or mend the directory");
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorCode::invalid,
                "admin_socket: a path of 1 to 107 bytes is needed, not " + std::to_string(path.size()));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(16'384);
  group record{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &record, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return found->gr_gid;
}

Result<void> make_directory(const std::string& path, std::optional<gid_t> group) {
  const auto directory = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return {};
  std::filesystem::create_directories(directory.parent_path(), error);
  if (error) return cannot("make the directory of", path, error.value());
  if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) return cannot("make the directory", directory, errno);
  // Without it the group's members could not reach the socket; where we may not, its mode says so below.
  if (group && ::chown(directory.c_str(), static_cast<uid_t>(-1), *group) != 0 && errno != EPERM) {
    return cannot("give the group to", directory, errno);
  }
  return {};
}

Result<void> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) return errno == ENOENT ? Result<void>() : cannot("look at", path, errno);
  if (!S_ISSOCK(about.st_mode)) {
    return fail(ErrorCode::invalid, base::escape_for_terminal(path) + " exists and is not a socket",
                "move it away, or set another 'admin_socket' in crd.toml");
  }
  const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe.fd < 0) return cannot("probe", path, errno);
  // EAGAIN: its queue is full, so somebody owns it.
  if (::connect(probe.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 || errno == EAGAIN) {
    return fail(ErrorCode::conflict, "another crd answers on " + base::escape_for_terminal(path),
                "stop it first, or set another 'admin_socket' and 'state_dir'");
  }
  if (errno != ECONNREFUSED) return cannot("probe", path, errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot("remove the stale socket", path, errno);
  return {};
}

// Gives the socket to the group if it may; says whether it did.
bool share_with(const std::string& path, std::optional<gid_t> group) {
  return group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) == 0;
}

}  // namespace

Result<AdminSocket> AdminSocket::open(const std::string& path, const std::string& group_name, base::Log& log) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  const auto group = find_group(group_name);
  if (auto made = make_directory(path, group); !made) return tl::unexpected(made.error());
  if (auto clear = make_way(path, *address); !clear) return tl::unexpected(clear.error());
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return cannot("open", path, errno);
  // Linux makes the file with the descriptor's mode: there is no moment in which others could connect.
  if (::fchmod(socket.fd, k_owner_only) != 0) return cannot("open", path, errno);
  if (::bind(socket.fd, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return cannot("listen on", path, errno);
  }
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) return cannot("look at", path, errno);
  const bool shared = share_with(path, group);
  if (::chmod(path.c_str(), shared ? k_owner_and_group : k_owner_only) != 0)
    return cannot("set the mode of", path, errno);
  if (::listen(socket.fd, k_backlog) != 0) return cannot("listen on", path, errno);
  log.info("admin socket open", {{"path", path}, {"may_connect", shared ? "owner and group " + group_name : "owner"}});
  return AdminSocket(socket.release(), path, about.st_dev, about.st_ino);
}

Result<AdminSocket> AdminSocket::adopt(int fd, const std::string& path, base::Log& log) {
  Descriptor own{::fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (own.fd < 0) return cannot("take over", path, errno);
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && (about.st_mode & S_IWOTH) != 0) {
    log.warning("every user of this machine may use the admin socket: set SocketMode=0660 in its .socket unit",
                {{"path", path}});
  }
  log.info("admin socket open", {{"path", path}, {"may_connect", "as its .socket unit says"}});
  // Without a file of its own: a restart finds the socket where it is.
  return AdminSocket(own.release(), {}, 0, 0);
}

AdminSocket::AdminSocket(AdminSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), device_(other.device_), inode_(other.inode_) {}

AdminSocket::~AdminSocket() {
  if (fd_ < 0) return;
  struct stat about {};
  const bool ours =
      !path_.empty() && ::lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
  ::close(fd_);
}

Result<Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail(ErrorCode::forbidden, "cannot tell who calls: " + std::generic_category().message(errno));
  }
  if (credentials.uid == k_unmapped_uid && ::geteuid() != k_unmapped_uid) {
    return fail(ErrorCode::forbidden, "the calling user is not known here (uid 65534)",
                "call from the daemon's own user namespace, not from inside a container");
  }
  return Peer{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace cr::server::admin
