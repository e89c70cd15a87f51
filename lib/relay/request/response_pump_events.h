// SPDX-License-Identifier: MIT
// How BasicResponsePump passes on a stream of events: definitions of its members.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "dialect/answer_kind.h"
#include "relay/request/response_pump.h"

namespace cr::relay::request {

template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::pump_events() {
  bool may_be_whole = !other_form_ && is_judged();
  judging_ = is_judged();
  judged_by_ = base::coarse_now() + parts_.context.settings->comment_interval;
  if (!judging_) begin_events();
  parts_.watch.ticking(true);
  for (;;) {
    const auto step = next_step();
    if (step.state == State::data) {
      if (may_be_whole && is_of_other_form(step.data, false, may_be_whole)) co_return co_await pump_whole();
      take_events(step.data);
      if (out_.size() < k_kept_bytes) continue;
    }
    const bool over = step.state == State::done;
    if (over) {
      events_.end();
      take_whole_events();
    }
    if (judging_) {
      if (const auto end = judge_events(step.state)) co_return *end;
    }
    const bool said_all = response_.meter.ended();
    const bool whole = said_all || (over && is_over());
    if (whole && over) out_.append(events_.rest());
    if (whole) settle(Outcome::End::whole);
    if (writer_.head_sent() && (!out_.empty() || writer_.head_waits() || whole)) {
      auto written = writer_.try_write(out_, whole ? Part::last : Part::middle);
      if (!written) written = co_await writer_.write_rest();
      writer_.wrote(*written);
      out_.clear();
    }
    if (whole && !over) co_await drop_rest();
    if (whole) break;
    if (step.state == State::data) continue;
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

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::begin_events() {
  judging_ = false;
  begin(std::nullopt);
  writer_.allow_comments(true);
}

// By the first event that is not a comment; nothing of the stream has gone out. No value: it goes on.
template <class Writer, class Attempt>
std::optional<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::judge_events(
    State state) {
  const auto kind = response_.meter.answer_kind();
  if (kind == dialect::AnswerKind::none) return no_answer();
  if (kind == dialect::AnswerKind::answer || long_event_ || out_.size() >= k_kept_bytes) {
    begin_events();
    return std::nullopt;
  }
  const bool blank = events_.rest().find_first_not_of(" \t\r\n") == std::string_view::npos;
  const bool nothing = out_.empty() && blank;
  if (state == State::done && blank) return no_answer();
  if (state == State::garbage && nothing) return no_answer();
  if (state == State::need_more || state == State::data || !may_ask_another()) return std::nullopt;
  return lose(state == State::done ? State::cut : state);
}

// A stream's client waits for its head no longer than for a comment.
template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::tick(base::SteadyTime now) {
  if (!judging_ || other_form_) return writer_.tick(now);
  if (now < judged_by_ || writer_.client_gone()) return;
  begin_events();
  writer_.write_head(now);
}

// Behind a stream's last word: it has a moment to end as it should. What does not is not kept.
template <class Writer, class Attempt>
http::Task<void> BasicResponsePump<Writer, Attempt>::drop_rest() {
  const auto until = base::coarse_now() + k_end_wait;
  while (base::coarse_now() <= until) {
    const auto step = source_.step();
    if (step.state == State::need_more) {
      co_await source_.fill(k_end_wait);
    } else if (step.state != State::data) {
      break;
    }
  }
}

// A stream that ends without its own last word was cut somewhere before us (unless its usage has come).
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::is_over() const {
  const auto& meter = response_.meter;
  return !long_event_ && (meter.ended() || meter.usage() || meter.images() || meter.saw_error());
}

// Appends to `out_` what of `bytes` the client gets to see. An event that is too long to be held passes while it comes.
template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::take_events(std::string_view bytes) {
  while (!bytes.empty()) {
    if (long_event_) {
      bytes.remove_prefix(pass_long_event(bytes));
      continue;
    }
    (void)events_.push(bytes);
    bytes = {};
    take_whole_events();
    if (events_.rest().size() <= parts_.context.settings->event_bytes_max) continue;
    long_event_ = std::make_unique<LongEvent>();
    const auto rest = events_.take_rest();
    const auto taken = pass_long_event(rest);
    (void)events_.push(std::string_view(rest).substr(taken));
  }
}

template <class Writer, class Attempt>
std::size_t BasicResponsePump<Writer, Attempt>::pass_long_event(std::string_view bytes) {
  auto& one = *long_event_;
  const auto taken = one.event.take(bytes, [&one](std::string_view data) { one.data.push(data); });
  out_.append(bytes.substr(0, taken));
  if (!one.event.ended()) return taken;
  response_.meter.observe({{}, one.event.name(), one.data.text()});
  long_event_.reset();
  return taken;
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
