// SPDX-License-Identifier: MIT
// ServerPeer: one connection that a fake serves, plain or under TLS, in blocking reads and writes; it can put what it
// says into one segment, and end in order or by a reset. One thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "support/certificates.h"

struct ssl_ctx_st;
struct ssl_st;

namespace cr::test {

class ServerPeer {
 public:
  static std::shared_ptr<ssl_ctx_st> context_of(const Certificate& certificate);  // throws std::runtime_error
  // Without a context it is plain. `fd` stays the caller's.
  ServerPeer(int fd, ssl_ctx_st* context);

  bool accept();                             // the handshake, if there is one
  long read(char* place, std::size_t size);  // <= 0: the peer has left
  bool write(const std::string& bytes);
  void cork(bool on) const;  // what is written until it is off leaves in as few segments as can be
  bool has_come(std::chrono::milliseconds within) const;  // something to read, or the peer's end
  void update_key();                                      // and asks the peer for the same (RFC 8446, 4.6.3)
  void say_goodbye();                                     // close_notify, or nothing
  void end_by_reset() const;                              // once `fd` is closed
  int fd() const { return fd_; }

 private:
  const int fd_;
  const std::shared_ptr<ssl_st> ssl_;
};

}  // namespace cr::test
