// SPDX-License-Identifier: MIT
// TlsStream: the TLS side of one accepted connection, straight on its non-blocking socket. Nothing here waits: a step
// says what the socket must become first. What is written is gathered into records, so a small answer is one; of a
// record the socket did not take a copy is kept, and nothing else between steps. Worker thread; dies with its
// connection. SIGPIPE must be ignored.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/gather.h"
#include "http/tls_server.h"

struct ssl_st;

namespace cr::http {

enum class TlsStep {
  done,
  want_read,   // again when the socket is readable
  want_write,  // again when it is writable
  closed,      // by the peer, in order or not
  not_tls,     // its first bytes are of another protocol
};

class TlsStream {
 public:
  // `fd` stays the caller's. Throws std::bad_alloc.
  TlsStream(const TlsServer& server, int fd);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  TlsStep shake_hands();
  // As much as is there; at least one byte when `done`.
  TlsStep read(char* place, std::size_t size, std::size_t& got);
  // `done` once the socket has taken all of it. What was taken from `pieces` must not be given again.
  TlsStep write(Gather& pieces);
  // close_notify (RFC 8446, 6.1): what was written is whole. Not to be said of an answer that was cut.
  TlsStep end();

 private:
  TlsStep step_of(int result);
  TlsStep send(const char* bytes, std::size_t size);

  std::shared_ptr<ssl_st> ssl_;
  std::string unsent_;   // of a record the socket is too full for
  bool failed_ = false;  // broken off: not even a goodbye may be asked of it
  bool ended_ = false;
};

}  // namespace cr::http
