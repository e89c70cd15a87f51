// SPDX-License-Identifier: MIT
// ResponseFraming: the bytes of one response in the order in which they go to its client: the head, pieces of the body
// (as chunks where its length is not known: RFC 9112, 7.1), comments of an event stream, the end. Pure: it composes
// what is to be written and remembers what was written; ResponseWriter does the writing. One response each; one thread.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "http/net/gather.h"
#include "relay/request/answer_text.h"

namespace cr::relay::request {

class ResponseFraming {
 public:
  enum class Part { middle, last };

  explicit ResponseFraming(std::chrono::milliseconds comment_interval) : comment_interval_(comment_interval) {}

  // The head is written now as text; it waits, and goes out with the first piece.
  void begin(const AnswerHead& head, base::SteadyTime now);
  bool begun() const { return begun_; }
  bool head_waits() const { return !head_.empty(); }
  bool is_chunked() const { return chunked_; }

  // What goes out next: the head if it waits, `data` (may be empty), and after the last part what ends the body. It
  // refers to `data` and to this object until wrote().
  http::Gather compose(std::string_view data, Part part);
  // The head that waits; it waits no longer.
  std::string take_head() { return std::exchange(head_, {}); }
  // That went out, or failed to.
  void wrote();

  // From here on comments may stand between the pieces, or no longer.
  void allow_comments(bool on) { comments_ = on; }
  bool allows_comments() const { return comments_; }
  // Whether nothing was written for so long that a comment is due. Never while a piece is under way.
  bool is_comment_due(base::SteadyTime now) const;
  std::string_view comment() const;  // as it is written
  // Something went out: from here on the next comment is waited for.
  void note_write(base::SteadyTime now) { last_write_ = now; }
  // The client closed its side for writing, and may still read. True once, where a comment can find out: it is due now.
  bool probe_half_closed();

 private:
  bool is_idle() const { return comments_ && !writing_ && head_.empty(); }

  const std::chrono::milliseconds comment_interval_;
  std::string head_;                // until it goes out with the first piece
  std::array<char, 20> size_line_;  // of the chunk under way
  base::SteadyTime last_write_{};
  bool begun_ = false;
  bool chunked_ = false;
  bool comments_ = false;
  bool writing_ = false;
  bool half_closed_ = false;
};

}  // namespace cr::relay::request
