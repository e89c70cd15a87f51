// SPDX-License-Identifier: MIT
#include "process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "base/file_owner.h"

namespace cr::crd {

void harden_process() {
  // Keys are in this memory: they must not reach a disk or another process.
#ifndef __SANITIZE_ADDRESS__  // whose leak check looks at its own process as a debugger does
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::umask(077);
  std::signal(SIGPIPE, SIG_IGN);
}

namespace {

tl::unexpected<base::Error> cannot_use(const std::string& path, const std::string& why) {
  return base::fail(base::ErrorCode::unavailable, "cannot use the state directory " + path + ": " + why,
                    "name another one with 'state_dir' in crd.toml, or make it writable for this user");
}

}  // namespace

base::Result<void> make_private_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path), error);
  if (error) return cannot_use(path, error.message());
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return cannot_use(path, std::strerror(errno));
  return check_private_directory(path);
}

// A link to it is followed: systemd makes one for DynamicUser. It is what the link leads to that counts.
base::Result<void> check_private_directory(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return cannot_use(path, std::strerror(errno));
  }
  if (!S_ISDIR(info.st_mode)) return cannot_use(path, "it is not a directory");
  // Root's is good for others too: a service manager may have made it.
  if (const auto why = base::why_not_ours(info); !why.empty() && info.st_uid != 0) {
    return base::fail(base::ErrorCode::invalid, "the state directory " + path + ' ' + why,
                      "give it to the user that crd runs as, or name another one with 'state_dir' in crd.toml");
  }
  if ((info.st_mode & 022) != 0) {
    return base::fail(base::ErrorCode::invalid, "the state directory " + path + " is writable by others",
                      "run: chmod 700 " + path);
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return cannot_use(path, std::strerror(errno));
  return {};
}

void notify_manager(std::string_view state) {
  ::sd_notify(0, std::string(state).c_str());
}

std::uint64_t watchdog_interval_us() {
  std::uint64_t interval = 0;
  return ::sd_watchdog_enabled(0, &interval) > 0 ? interval / 2 : 0;
}

base::Result<std::vector<server::listener::PassedSocket>> take_passed_sockets() {
  std::vector<server::listener::PassedSocket> sockets;
  const int count = ::sd_listen_fds(1);
  for (int i = 0; i < count; ++i) {
    auto socket = server::listener::describe_passed_socket(SD_LISTEN_FDS_START + i);
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace cr::crd
