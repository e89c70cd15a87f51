// SPDX-License-Identifier: MIT
// AdminSocket: the listening unix socket, its place in the file system, and who is at the other end of a connection.
// Made by main; the file is removed with the object. `peer_of` any thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/log.h"
#include "base/result.h"

namespace cr::server::admin {

class AdminSocket {
 public:
  // Makes the directory (0750) if there is none, replaces a stale socket, listens. Mode 0660 with the group
  // `group_name` where that exists and we may give the file to it, else 0600. `conflict` if another crd answers there,
  // `invalid` if something else is in its place.
  static base::Result<AdminSocket> open(const std::string& path, const std::string& group_name, base::Log& log);
  // One that the service manager passes: a duplicate of it listens, its file and mode are the manager's and stay.
  static base::Result<AdminSocket> adopt(int fd, const std::string& path, base::Log& log);
  AdminSocket(AdminSocket&& other) noexcept;
  AdminSocket& operator=(AdminSocket&&) = delete;
  ~AdminSocket();

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  AdminSocket(int fd, std::string path, dev_t device, ino_t inode)
      : fd_(fd), path_(std::move(path)), device_(device), inode_(inode) {}
  int fd_ = -1;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
// By SO_PEERCRED, as the kernel saw it at connect(). `forbidden` for a user our namespace does not know (65534).
base::Result<Peer> peer_of(int fd);

}  // namespace cr::server::admin
