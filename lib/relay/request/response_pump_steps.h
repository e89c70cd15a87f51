// SPDX-License-Identifier: MIT
// How a response begins and is settled in BasicResponsePump, and with response_pump_bodies.h, response_pump_ends.h and
// response_pump_events.h all of its definitions: for response_pump.cpp and for tests with a client and a provider of
// their own.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "relay/request/response_pump_bodies.h"
#include "relay/request/response_pump_ends.h"
#include "relay/request/response_pump_events.h"
#include "relay/routing/retry_after.h"

namespace cr::relay::request {

template <class Writer, class Attempt>
BasicResponsePump<Writer, Attempt>::BasicResponsePump(const Parts& parts, Writer& writer, Attempt& attempt)
    : parts_(parts),
      writer_(writer),
      attempt_(attempt),
      response_(*attempt.response()),
      source_(response_.source),
      memory_(parts.memory, static_cast<std::uint64_t>(parts.admission.caller().token->id.value)),
      memory_wait_(parts.io),
      events_(std::numeric_limits<std::size_t>::max()) {}

// Not a coroutine itself: it hands on the one that fits.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::run() {
  const auto method = parts_.context.head.method;
  if (method == http::message::Method::head) return pump_head();
  const int status = response_.status();
  const bool has_body = http::message::has_body(method, status);
  return has_body && source_.is_event_stream() && status < 300 ? pump_events() : pump_whole();
}

template <class Writer, class Attempt>
LedgerEntry::Told BasicResponsePump<Writer, Attempt>::told() const {
  return {response_.status(), response_.passed_error() ? std::string_view("upstream_error") : std::string_view()};
}

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::settle(Outcome::End end) {
  settle(end, told());
}

// The first time counts, for the ledger and for the circuit breaker.
template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::settle(Outcome::End end, LedgerEntry::Told told) {
  const auto ending = parts_.entry.settle(end, told, attempt_.facts(), writer_.client_gone());
  if (!ending) return;
  const bool broken = *ending == ledger::Ending::upstream_cut || *ending == ledger::Ending::upstream_silent;
  attempt_.finish(broken ? routing::CircuitBreaker::Finish::broken : routing::CircuitBreaker::Finish::whole);
}

// HEAD: all that GET would get but the body (RFC 9110, 9.3.2). Where its length is not told it is counted, as far as
// GET's would be.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::pump_head() {
  auto length = source_.content_length();
  std::uint64_t received = 0;
  while (!length && !source_.is_event_stream() && received <= k_gather_bytes) {
    const auto step = source_.step();
    if (step.state == State::data) {
      received += step.data.size();
    } else if (step.state == State::done) {
      length = received;
    } else if (step.state == State::need_more) {
      co_await source_.fill(fill_timeout());
    } else {
      co_return co_await end_badly(step.state);
    }
  }
  begin(length);
  settle(Outcome::End::whole);
  auto written = writer_.try_write({}, Part::middle);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
  co_return End::over;
}

template <class Writer, class Attempt>
std::chrono::milliseconds BasicResponsePump<Writer, Attempt>::fill_timeout() const {
  auto timeout = attempt_.channel().timeout_idle;
  if (writer_.client_gone()) {
    const auto left = writer_.drain_until() - base::steady_now();
    timeout = std::min(timeout, std::chrono::duration_cast<std::chrono::milliseconds>(left));
  }
  return std::max(timeout, std::chrono::milliseconds(0));
}

template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::begin(std::optional<std::uint64_t> content_length) {
  const auto& passed = attempt_.passed();
  const int status = response_.status();
  AnswerHead head;
  head.status = status;
  head.content_type = source_.content_type();
  if (other_form_) head.content_type = source_.is_event_stream() ? "application/json" : "text/event-stream";
  head.content_length = content_length;
  head.to = parts_.context.answer();
  const auto* reserved = parts_.entry.reserved();
  if (reserved != nullptr && reserved->lowered) head.output_limit = reserved->output_bound;
  head.passed = &passed;
  if (source_.retry_after()) head.retry_after_text = *source_.retry_after();
  head.retry_after_ms = passed.retry_after_ms;
  if (response_.passed_error() && !response_.answered) tell_wait(head);
  // What blames the request will be blamed again, unless the provider knows better; the rest is the SDK's to decide.
  if (!passed.should_retry && status >= 400 && status < 500 && status != 408 && status != 409 && status != 429)
    head.should_retry = false;
  const auto rates = parts_.admission.rate_status(base::steady_now());
  if (rates) head.rates = &*rates;
  writer_.begin(head, parts_.draining.load(std::memory_order_relaxed));
}

// A provider's refusal that goes through names its own wait, or none: where every channel is set aside for longer now,
// the client is told how long, so that it is not refused again for having done as it was told.
template <class Writer, class Attempt>
void BasicResponsePump<Writer, Attempt>::tell_wait(AnswerHead& head) const {
  // In which order those that may be sent something would be tried does not matter here.
  const auto routes = parts_.admission.look_for_routes(parts_.stored, base::steady_now(), 0);
  const bool open = std::any_of(routes.tries.begin(), routes.tries.end(), [](const auto& one) { return !one.as_last; });
  if (open || !routes.closed) return;
  const auto left = routes.closed->until - base::steady_now();
  const auto told = routing::told_wait(head.retry_after_text, head.retry_after_ms, base::wall_now());
  if (told && *told >= left) return;
  head.retry_after = std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(left)).count();
  head.retry_after_text.reset();
  head.retry_after_ms = {};
}

}  // namespace cr::relay::request
