// SPDX-License-Identifier: MIT
#include "relay/request/response_writer.h"

namespace cr::relay::request {

void ResponseWriter::begin(AnswerHead& head, const Shared& shared) {
  head.chunked = !head.content_length && request_.minor_version >= 1;
  persistence_ = persistence_after(request_, client_, shared);
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  if (!head.content_length && !head.chunked) persistence_ = Persistence::close;
  head.persistence = persistence_;
  framing_.begin(head, base::steady_now());
}

std::optional<bool> ResponseWriter::try_write(std::string_view data, Part part) {
  if (client_gone()) return false;
  pieces_ = framing_.compose(data, part);
  return client_.try_write(pieces_);
}

bool ResponseWriter::wrote(bool ok) {
  framing_.wrote();
  if (framing_.allows_comments()) framing_.note_write(base::coarse_now());
  if (!ok) client_left();
  return !client_gone();
}

void ResponseWriter::tick(base::SteadyTime now) {
  if (!client_gone() && framing_.is_comment_due(now)) write_comment(now);
}

// If nobody is there any more, a reset comes back before the next tick.
void ResponseWriter::half_closed(base::SteadyTime now) {
  if (!client_gone() && framing_.probe_half_closed()) write_comment(now);
}

void ResponseWriter::write_comment(base::SteadyTime now) {
  if (!client_.write_now(framing_.comment())) client_left();
  framing_.note_write(now);
}

void ResponseWriter::break_off() {
  persistence_ = Persistence::close;
  client_.break_off();
}

void ResponseWriter::client_left() {
  if (!left_at_) left_at_ = base::steady_now();
}

void ResponseWriter::cut() {
  was_cut_ = true;
  client_left();
  client_.cut();
}

}  // namespace cr::relay::request
