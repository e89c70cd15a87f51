// SPDX-License-Identifier: MIT
// How a response begins, is settled and ends badly in BasicResponsePump, and with response_pump_bodies.h all of its
// definitions: for response_pump.cpp and for tests with a client and a provider of their own.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "relay/request/response_pump_bodies.h"
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
      events_(parts.context.settings->event_bytes_max) {}

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

// Whether a response that broke off is still nobody's business but ours.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::may_ask_another() const {
  if (writer_.head_sent() || writer_.client_gone() || parts_.body.streams()) return false;
  const auto left = parts_.context.time_left(parts_.body.came_at(), parts_.context.settings->total_timeout);
  return left.count() > 0 && parts_.failover.is_left();
}

// It counts with what it may have used, beside what the next channel will tell; nothing else of it stays.
template <class Writer, class Attempt>
typename BasicResponsePump<Writer, Attempt>::End BasicResponsePump<Writer, Attempt>::lose(State how) {
  std::uint32_t flags = 0;  // a lost attempt's own, whatever could be known of it
  const auto request = parts_.entry.priced();
  if (!response_.passed_error())
    parts_.entry.add_lost(request, request.used(response_.meter, response_.unread_bytes, flags));
  parts_.failover.note(refusal_for(how));
  return End::lost;
}

// The upstream failed under way: what was used is posted, and the client's response never looks complete.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::end_badly(State how) {
  const auto refusal = refusal_for(how);
  const auto& row = dialect::row_of(refusal.code);
  const bool head_sent = writer_.head_sent();
  if (how == State::cancelled) writer_.client_left();
  const bool by_client = writer_.client_gone();
  if (how == State::no_memory) response_.answered = false;  // nothing that the channel did
  auto said = told();
  if (!head_sent && !by_client) said.status = row.status;
  if (!by_client) said.error = row.name;
  settle(end_of(how), said);
  writer_.close_after();
  if (by_client) co_return End::over;
  if (!head_sent) {
    const auto text = refusal_text(refusal, parts_.context.answer(), Persistence::close);
    co_await writer_.write_text(text);
    co_return End::over;
  }
  writer_.break_off();
  if (writer_.allows_comments()) {
    out_ = dialect::error_event(refusal, dialect::dialect_of(parts_.context.endpoint), parts_.context.request_id);
    auto written = writer_.try_write(out_, Part::middle);
    if (!written) written = co_await writer_.write_rest();
    writer_.wrote(*written);
  }
  // No final chunk, no promised length, no close_notify: the connection's end is the only end this response gets.
  co_return End::over;
}

// After the client left: true when there is nothing more to read for.
template <class Writer, class Attempt>
bool BasicResponsePump<Writer, Attempt>::give_up_on_client() {
  if (!writer_.client_gone()) return false;
  if (writer_.was_cut() || parts_.context.settings->on_client_gone == policy::OnClientGone::cancel) {
    source_.cancel();
    return true;
  }
  return response_.meter.ended() || base::steady_now() >= writer_.drain_until();
}

}  // namespace cr::relay::request
