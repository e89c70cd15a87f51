// SPDX-License-Identifier: MIT
// How BasicResponsePump passes on a plain response and a stream of events: definitions of its members.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "relay/request/response_pump.h"

namespace cr::relay::request {

// Sound has nothing to be metered in it, and is heard while it comes.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::is_sound() const {
  constexpr std::string_view k_json = "application/json";
  return parts_.context.endpoint == dialect::Endpoint::audio_speech && response_.status() < 300 &&
         !source_.content_type().starts_with(k_json);
}

// At the edge of what all may hold, the reading of a response pauses.
template <class Writer, class Attempt>
http::Task<bool> BasicResponsePump<Writer, Attempt>::wait_for_memory(std::uint64_t bytes) {
  const auto timeout = std::min(k_memory_wait, fill_timeout());
  co_return co_await memory_wait_.grow(memory_, bytes, timeout);
}

// A plain response: gathered while it is small, so that the usual one is one write and one that breaks off becomes
// another channel's, or a clean 502.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::pump_whole() {
  std::string gathered;   // for the meter; and until the head is out, for the client
  std::string_view only;  // the whole body, if it came in one piece
  const auto length = source_.content_length();
  bool metered = !is_sound();
  const std::size_t gather_bytes = metered ? k_gather_bytes : 0;
  std::uint64_t received = 0;
  for (;;) {
    const auto step = source_.step();
    if (step.state == State::data) {
      received += step.data.size();
      if (length && step.data.size() == *length && gathered.empty()) {
        only = step.data;
        break;
      }
      const auto held = gathered.size() + step.data.size();
      if (metered && !memory_.covers(held))
        metered = held <= policy::k_metered_bytes_max && co_await wait_for_memory(held);
      gather(gathered, step.data, metered);
      const bool begins = !writer_.head_sent() && gathered.size() > gather_bytes && !writer_.client_gone();
      if (begins) begin(length);
      if (writer_.head_sent() && !writer_.client_gone()) {
        auto written = writer_.try_write(begins ? std::string_view(gathered) : step.data, Part::middle);
        if (!written) written = co_await writer_.write_rest();
        writer_.wrote(*written);
      }
      if (give_up_on_client()) break;
      continue;
    }
    if (step.state == State::done) break;
    if (step.state != State::need_more) {
      if (writer_.client_gone()) break;
      response_.unread_bytes = received;
      if (may_ask_another()) co_return lose(step.state);
      co_return co_await end_badly(step.state);
    }
    co_await source_.fill(fill_timeout());
    if (give_up_on_client()) break;
  }
  const auto body = only.empty() ? std::string_view(gathered) : only;
  settle_whole(body, metered, received);
  if (writer_.client_gone()) co_return End::over;
  const bool begins = !writer_.head_sent();
  if (begins) begin(body.size());
  if (!begins && !writer_.is_chunked()) co_return End::over;
  auto written = writer_.try_write(begins ? body : std::string_view(), Part::last);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
  co_return End::over;
}

// Keeps a piece for whom it is still needed: the meter, and the client until its head is out.
template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::gather(std::string& gathered, std::string_view piece, bool metered) {
  const bool for_client = !writer_.head_sent() && !writer_.client_gone();
  if (metered || for_client) {
    gathered.append(piece);
  } else if (!gathered.empty()) {
    std::string().swap(gathered);
    memory_.shrink_to(0);
  }
}

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::settle_whole(std::string_view body, bool metered, std::uint64_t received) {
  auto& meter = response_.meter;
  if (metered) meter.observe_body(body);
  if (!meter.usage() && meter.estimated_output_tokens() == 0) response_.unread_bytes = received;
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
}

template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::pump_events() {
  begin(std::nullopt);
  writer_.allow_comments(true);
  parts_.watch.ticking(true);
  for (;;) {
    const auto step = source_.step();
    if (step.state == State::data) {
      if (take_events(step.data)) continue;
      co_return co_await end_badly(State::garbage);
    }
    const bool over = step.state == State::done;
    if (over) {
      events_.end();
      take_whole_events();
    }
    const bool whole = over && is_over();
    if (whole) out_.append(events_.rest());
    if (response_.meter.ended() || whole) settle(Outcome::End::whole);
    if (!out_.empty() || writer_.head_waits() || whole) {
      auto written = writer_.try_write(out_, whole ? Part::last : Part::middle);
      if (!written) written = co_await writer_.write_rest();
      writer_.wrote(*written);
      out_.clear();
    }
    if (whole) break;
    if (over || step.state != State::need_more) co_return co_await end_badly(over ? State::cut : step.state);
    if (give_up_on_client()) break;
    const bool has_room = fit_events() || co_await wait_for_memory(event_bytes());
    if (!has_room && give_up_on_client()) break;
    if (!has_room) co_return co_await end_badly(State::no_memory);
    co_await source_.fill(fill_timeout());
  }
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
  co_return End::over;
}

// A stream that ends without its own last word was cut somewhere before us (unless its usage has come).
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::is_over() const {
  const auto& meter = response_.meter;
  return meter.ended() || meter.usage() || meter.images() || meter.saw_error();
}

// Appends to `out_` what of `bytes` the client gets to see. False: an event passed its limit.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::take_events(std::string_view bytes) {
  if (!events_.push(bytes)) return false;
  take_whole_events();
  return true;
}

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::take_whole_events() {
  while (const auto event = events_.next()) {
    if (response_.meter.observe(*event) == dialect::Fate::forward) out_.append(event->raw);
  }
}

// Whether the next bytes of the stream may be read at once.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::fit_events() {
  events_.drop_taken();
  if (out_.capacity() > k_kept_bytes) std::string().swap(out_);
  memory_.shrink_to(event_bytes());
  return memory_.covers(event_bytes());
}

}  // namespace cr::relay::request
