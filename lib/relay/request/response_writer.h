// SPDX-License-Identifier: MIT
// ResponseWriter: what the client of a request has seen of its response so far, and whether it is still there. Writes
// the head with the first piece, pieces with back-pressure, comments while a stream is silent, and the end. Worker
// thread; one request each. A template of what it writes to, so that its tests need no socket
// (response_writer_steps.h).
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "http/net/net.h"
#include "http/server/connection.h"
#include "relay/request/persistence.h"
#include "relay/request/response_framing.h"

namespace cr::relay::request {

// `Client`: an http::server::Connection, or what has its try_write(), write_rest(), write(), write_now(), break_off(),
// cut() and can_go_on().
template <class Client>
class BasicResponseWriter {
 public:
  using Part = ResponseFraming::Part;

  BasicResponseWriter(Client& client, const http::message::RequestHead& request, const policy::Settings& settings)
      : client_(client),
        request_(request),
        framing_(settings.comment_interval),
        drain_timeout_(settings.drain_answer_timeout) {}

  // Completes `head` by what the request allows (chunks, or the end of the connection as the end of the body) and
  // whether the connection goes on. It goes out with the first piece.
  void begin(AnswerHead& head, bool draining);
  bool head_sent() const { return framing_.begun(); }
  bool head_waits() const { return framing_.head_waits(); }
  bool is_chunked() const { return framing_.is_chunked(); }

  // Writes what waits of the head, and `data`, which must last until wrote(). No value: the client's socket is full,
  // and write_rest() sends on. Either way wrote() ends it: false, where the client is gone.
  std::optional<bool> try_write(std::string_view data, Part part);
  http::Task<bool> write_rest() { return client_.write_rest(pieces_); }
  bool wrote(bool ok);
  // A whole response as text, nothing of which waits; false where the client is gone.
  http::Task<bool> write_text(std::string_view text) { return client_.write(text); }

  // Comments are written while the stream is silent: from a tick of the client's watch, and once when it half-closes,
  // which finds out whether it still reads.
  void allow_comments(bool on) { framing_.allow_comments(on); }
  bool allows_comments() const { return framing_.allows_comments(); }
  void tick(base::SteadyTime now);
  // The head that waits, and a comment behind it, now.
  void write_head(base::SteadyTime now);
  void half_closed(base::SteadyTime now);

  // The response has begun and will not be whole: no end is written, nor a close_notify.
  void break_off();

  // The client left, or is cut off; the first time counts.
  void client_left();
  void cut();
  bool client_gone() const { return left_at_.has_value(); }
  bool was_cut() const { return was_cut_; }
  // How long the response of a client that left is still read for its usage, where it is.
  base::SteadyTime drain_until() const { return *left_at_ + drain_timeout_; }

  // What becomes of the connection: `close` until a head promises more, and again where that cannot be kept.
  Persistence persistence() const { return persistence_; }
  void close_after() { persistence_ = Persistence::close; }

 private:
  void write_comment(base::SteadyTime now);

  Client& client_;
  const http::message::RequestHead& request_;
  ResponseFraming framing_;
  const std::chrono::milliseconds drain_timeout_;
  http::Gather pieces_;  // what the socket did not take yet
  Persistence persistence_ = Persistence::close;
  std::optional<base::SteadyTime> left_at_;
  bool was_cut_ = false;
};

extern template class BasicResponseWriter<http::server::Connection>;
using ResponseWriter = BasicResponseWriter<http::server::Connection>;

}  // namespace cr::relay::request
