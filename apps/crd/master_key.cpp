// SPDX-License-Identifier: MIT
#include "master_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/file_owner.h"
#include "token/key.h"

namespace cr::crd {

namespace {

using base::ErrorCode;
using base::Secret;
constexpr std::size_t k_bytes = token::Vault::k_master_bytes;

tl::unexpected<base::Error> system_error(const std::string& doing) {
  return base::fail(ErrorCode::unavailable, doing + ": " + std::strerror(errno));
}

base::Result<Secret> read_key(const std::string& path, bool ours) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ELOOP) {
    return base::fail(ErrorCode::invalid, "the master key " + path + " is a link", "put the file itself there");
  }
  if (fd < 0) return system_error("cannot read the master key " + path);
  struct stat info {};
  std::string bytes(k_bytes + 1, '\0');
  const bool known = ::fstat(fd, &info) == 0;
  const auto got = ::read(fd, bytes.data(), bytes.size());
  ::close(fd);
  if (!known || got < 0) return system_error("cannot read the master key " + path);
  bytes.resize(static_cast<std::size_t>(got));
  Secret key{std::move(bytes)};
  if (const auto why = base::why_not_ours(info); ours && !why.empty()) {
    return base::fail(ErrorCode::invalid, "the master key " + path + ' ' + why,
                      "give it to the user that crd runs as (and rotate the tokens if that one may have read it)");
  }
  if (ours && (info.st_mode & 077) != 0) {
    return base::fail(ErrorCode::invalid, "the master key " + path + " can be read by others",
                      "run: chmod 600 " + path + " (and rotate the tokens if someone has read it)");
  }
  if (key.size() != k_bytes) {
    return base::fail(ErrorCode::invalid, "the master key " + path + " is not 32 bytes long",
                      "restore the file from its backup: the store's keys cannot be read without it");
  }
  return key;
}

// Written whole and synced before it is used: a store whose master key was lost is lost with it.
base::Result<Secret> make_key(const std::string& state_dir, const std::string& path) {
  auto key = token::Vault::new_master();
  const auto part = path + ".new";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("cannot make the master key " + path);
  const bool written = ::fchmod(fd, 0600) == 0 &&
                       ::write(fd, key.reveal().data(), key.size()) == static_cast<ssize_t>(key.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(part.c_str(), path.c_str()) != 0) return system_error("cannot make the master key " + path);
  const int directory = ::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && ::fsync(directory) == 0;
  if (directory >= 0) ::close(directory);
  if (!synced) return system_error("cannot make the master key " + path);
  return key;
}

}  // namespace

base::Result<Secret> load_master_key(const std::string& state_dir, const std::string& store_path,
                                     const std::string& head_path) {
  if (const char* credentials = std::getenv("CREDENTIALS_DIRECTORY")) {
    const auto path = std::string(credentials) + "/master.key";
    if (::access(path.c_str(), F_OK) == 0) return read_key(path, false);
  }
  const auto path = state_dir + "/master.key";
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return read_key(path, true);
  if (errno != ENOENT) return system_error("cannot read the master key " + path);
  if (::lstat(store_path.c_str(), &info) == 0) {
    return base::fail(ErrorCode::invalid,
                      "the master key " + path + " is missing, and " + store_path + " was made with it",
                      "restore master.key from its backup; for a new, empty store move " + store_path + " away");
  }
  if (!head_path.empty() && ::lstat(head_path.c_str(), &info) == 0) {
    return base::fail(ErrorCode::invalid,
                      "the master key " + path + " and the store " + store_path + " are missing, but the head " +
                          head_path + " tells of one",
                      "put the state directory back, or restore a backup; for a new, empty store: crd --accept-loss");
  }
  return make_key(state_dir, path);
}

}  // namespace cr::crd
