// SPDX-License-Identifier: MIT
// TlsStream: the TLS side of one connection, accepted or made, straight on its non-blocking socket. Nothing here waits:
// a step says what the socket must become first. Reading and writing may take turns as they like. What is written is
// gathered into records, so a small answer is one; of a record the socket did not take a copy is kept, and nothing else
// between steps. Worker thread; dies with its connection. SIGPIPE must be ignored.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/net/gather.h"
#include "http/tls/tls_server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace cr::http::tls {

enum class TlsStep {
  done,
  want_read,   // again when the socket is readable
  want_write,  // again when it is writable
  closed,      // by the peer, in order or not
  not_tls,     // its first bytes are of another protocol
};

// What there is to read on a connection on which nothing is due.
enum class IdleState {
  quiet,
  surplus,  // bytes that nobody asked for
  closed,   // or about to be: a part of a record lies there that cannot be told yet
};

class TlsStream {
 public:
  // `fd` stays the caller's. Throws std::bad_alloc.
  TlsStream(const TlsServer& server, int fd);
  // A client's: the peer must prove itself to be `host`, a name or the text of an address (RFC 9110, 4.3.4), by what
  // `context` trusts. What is written is taken for secret: nothing of it stays in memory.
  TlsStream(ssl_ctx_st* context, int fd, const std::string& host);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  TlsStep shake_hands();
  // After a step that failed, before another: why the peer's certificate is not trusted, or OpenSSL's words.
  std::string why_not() const;
  bool is_trusted() const;  // nothing was wrong with the peer's certificate, if one came
  // As much as is there; at least one byte when `done`.
  TlsStep read(char* place, std::size_t size, std::size_t& got);
  // Whether the peer said that what it sent is whole (RFC 8446, 6.1); after a read that gave `closed`.
  bool ended_in_order() const;
  // Looks without taking. Records that carry no data (session tickets, key updates) are worked off: they are no
  // surplus.
  IdleState look();
  bool has_pending() const;  // read from the socket, and not read from here
  // `done` once the socket has taken all of it. What was taken from `pieces` must not be given again. After `closed`
  // what the peer sent before can still be read.
  TlsStep write(Gather& pieces);
  // close_notify (RFC 8446, 6.1): what was written is whole. Not to be said of an answer that was cut.
  TlsStep end();

 private:
  TlsStep step_of(int result);
  TlsStep send(const char* bytes, std::size_t size);

  std::shared_ptr<ssl_st> ssl_;
  std::string unsent_;         // of a record the socket is too full for
  const bool secret_ = false;  // what is written
  bool failed_ = false;        // broken off: not even a goodbye may be asked of it
  bool unwritable_ = false;    // its socket takes no more
  bool ended_ = false;
};

}  // namespace cr::http::tls
