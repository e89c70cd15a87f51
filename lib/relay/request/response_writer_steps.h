// SPDX-License-Identifier: MIT
// The definitions of BasicResponseWriter, for response_writer.cpp and for tests with a client of their own.
#pragma once

#include "relay/request/response_writer.h"

namespace cr::relay::request {

template <class Client>
void BasicResponseWriter<Client>::begin(AnswerHead& head, bool draining) {
  head.chunked = !head.content_length && request_.minor_version >= 1;
  persistence_ = persistence_after(request_, client_, draining);
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  if (!head.content_length && !head.chunked) persistence_ = Persistence::close;
  head.persistence = persistence_;
  framing_.begin(head, base::steady_now());
}

template <class Client>
std::optional<bool> BasicResponseWriter<Client>::try_write(std::string_view data, Part part) {
  if (client_gone()) return false;
  pieces_ = framing_.compose(data, part);
  return client_.try_write(pieces_);
}

template <class Client>
bool BasicResponseWriter<Client>::wrote(bool ok) {
  framing_.wrote();
  if (framing_.allows_comments()) framing_.note_write(base::coarse_now());
  if (!ok) client_left();
  return !client_gone();
}

template <class Client>
void BasicResponseWriter<Client>::tick(base::SteadyTime now) {
  if (!client_gone() && framing_.is_comment_due(now)) write_comment(now);
}

template <class Client>
void BasicResponseWriter<Client>::write_head(base::SteadyTime now) {
  const auto text = framing_.take_head().append(framing_.comment());
  if (!client_.write_now(text)) client_left();
  framing_.note_write(now);
}

// If nobody is there any more, a reset comes back before the next tick.
template <class Client>
void BasicResponseWriter<Client>::half_closed(base::SteadyTime now) {
  if (!client_gone() && framing_.probe_half_closed()) write_comment(now);
}

template <class Client>
void BasicResponseWriter<Client>::write_comment(base::SteadyTime now) {
  if (!client_.write_now(framing_.comment())) client_left();
  framing_.note_write(now);
}

template <class Client>
void BasicResponseWriter<Client>::break_off() {
  persistence_ = Persistence::close;
  client_.break_off();
}

template <class Client>
void BasicResponseWriter<Client>::client_left() {
  if (!left_at_) left_at_ = base::steady_now();
}

template <class Client>
void BasicResponseWriter<Client>::cut() {
  was_cut_ = true;
  client_left();
  client_.cut();
}

}  // namespace cr::relay::request
