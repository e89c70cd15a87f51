// SPDX-License-Identifier: MIT
// How BasicResponsePump passes on a plain response: definitions of its members.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "dialect/answer_kind.h"
#include "relay/request/response_pump.h"

namespace cr::relay::request {

// Whether it may be no answer of its endpoint, whatever its head says. What a provider keeps was one when it was made.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::is_judged() const {
  return parts_.context.endpoint != dialect::Endpoint::response_by_id && response_.status() < 300;
}

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

template <class Writer, class Attempt>
ResponseStep BasicResponsePump<Writer, Attempt>::next_step() {
  if (!std::exchange(carries_, false)) return source_.step();
  return {State::data, carried_};
}

// Whether the first bytes are of a stream of events where none was announced (`events`), or of a plain body where a
// stream was: then they are carried over. `open`: too few have come to tell; they are kept.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::is_of_other_form(std::string_view first, bool events, bool& open) {
  const bool more = !carried_.empty();
  if (more) carried_.append(first);
  const auto is_stream = dialect::is_event_stream(more ? std::string_view(carried_) : first);
  open = !is_stream;
  other_form_ = carries_ = is_stream && *is_stream == events;
  if (!more && (open || other_form_)) carried_.assign(first);
  return other_form_;
}

// A plain response: gathered while it is small, so that the usual one is one write and one that breaks off becomes
// another channel's, or a clean 502.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::pump_whole() {
  Whole whole;
  whole.metered = !is_sound();
  bool may_be_events = !other_form_ && parts_.admission.scan().stream && is_judged();
  for (;;) {
    const auto step = next_step();
    if (step.state == State::need_more) {
      co_await source_.fill(fill_timeout());
    } else if (step.state == State::data) {
      if (may_be_events && is_of_other_form(step.data, true, may_be_events)) co_return co_await pump_events();
      whole.received += step.data.size();
      auto out = gather(whole, step.data);
      if (!whole.only.empty()) break;
      const auto bytes = held(whole);
      if (!memory_.covers(bytes) && !co_await wait_for_memory(bytes)) whole.metered = false;
      const auto hidden = response_.passed_error() ? response_.key_mask.hide(out) : std::nullopt;
      if (hidden) out = *hidden;
      if (!out.empty() && !writer_.client_gone()) {
        auto written = writer_.try_write(out, Part::middle);
        if (!written) written = co_await writer_.write_rest();
        writer_.wrote(*written);
      }
      if (whole.passes) let_go(whole);
    } else if (step.state == State::done || writer_.client_gone()) {
      break;
    } else {
      if (step.state == State::garbage && whole.received == 0 && is_judged()) co_return no_answer();
      response_.unread_bytes = whole.received;
      if (may_ask_another()) co_return lose(step.state);
      co_return co_await end_badly(step.state);
    }
    if (give_up_on_client()) break;
  }
  if (!settle_whole(whole)) co_return no_answer();
  if (writer_.client_gone()) co_return End::over;
  auto body = whole.only.empty() ? std::string_view(whole.gathered) : whole.only;
  const auto hidden = response_.passed_error() ? response_.key_mask.hide(body) : std::nullopt;
  if (hidden) body = *hidden;
  const bool begins = !writer_.head_sent();
  if (begins) begin(body.size());
  if (!begins && !writer_.is_chunked()) co_return End::over;
  auto written = writer_.try_write(begins ? body : std::string_view(), Part::last);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
  co_return End::over;
}

// Takes a piece, and tells what goes to the client now.
template <class Writer, class Attempt>
std::string_view BasicResponsePump<Writer, Attempt>::gather(Whole& whole, std::string_view piece) {
  const auto length = source_.content_length();
  if (length && piece.size() == *length && whole.received == piece.size()) {
    whole.only = piece;
    return {};
  }
  if (whole.passes) {
    if (whole.metered && whole.reduced) whole.reduced->push(piece);
    return whole.refused ? std::string_view() : piece;
  }
  whole.gathered.append(piece);
  const std::size_t most = whole.metered ? k_gather_bytes : 0;
  if (whole.gathered.size() <= most) return {};
  whole.passes = true;
  whole.refused = is_judged() && !dialect::may_begin_answer(parts_.context.endpoint, whole.gathered);
  if (whole.metered) whole.reduced.emplace().push(whole.gathered);
  if (whole.refused) return {};
  if (!writer_.client_gone()) begin(length);
  return whole.gathered;
}

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::let_go(Whole& whole) {
  std::string().swap(whole.gathered);
  memory_.shrink_to(held(whole));
}

template <class Writer, class Attempt>
std::uint64_t BasicResponsePump<Writer, Attempt>::held(const Whole& whole) const {
  return whole.gathered.size() + (whole.reduced ? whole.reduced->text().size() : 0) + source_.held_bytes();
}

// False: it came whole, and is no answer; nothing is settled.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::settle_whole(Whole& whole) {
  auto& meter = response_.meter;
  const auto body = whole.only.empty() ? std::string_view(whole.gathered) : whole.only;
  if (whole.metered) meter.observe_body(whole.reduced ? whole.reduced->text() : body);
  if (is_judged() && !writer_.head_sent() && !writer_.client_gone()) {
    const auto kind = is_sound() ? dialect::kind_of_body(parts_.context.endpoint, body, nullptr) : meter.answer_kind();
    if (whole.refused || kind == dialect::AnswerKind::none) return false;
  }
  if (!meter.usage()) {
    response_.unread_bytes = whole.reduced ? whole.reduced->left_out() : 0;
    if (meter.estimated_output_tokens() == 0) response_.unread_bytes = whole.received;
  }
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
  return true;
}

}  // namespace cr::relay::request
