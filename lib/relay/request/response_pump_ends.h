// SPDX-License-Identifier: MIT
// How a response ends that is none, breaks off or has lost its client: definitions of BasicResponsePump's members.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "relay/request/response_pump.h"

namespace cr::relay::request {

// It is the channel's fault, nobody did anything for it, and nothing of it stays.
template <class Writer, class Attempt>
typename BasicResponsePump<Writer, Attempt>::End BasicResponsePump<Writer, Attempt>::no_answer() {
  judging_ = false;
  parts_.failover.note(
      {dialect::RefusalCode::upstream_invalid, "the provider's answer was not usable: send the request again", {}, {}});
  return End::no_answer;
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
  judging_ = false;
  std::uint32_t flags = 0;  // a lost attempt's own, whatever could be known of it
  const auto request = parts_.entry.priced();
  if (!response_.passed_error()) {
    auto usage = request.used(response_.meter, response_.unread_bytes, flags);
    const auto facts = attempt_.facts();
    const auto worked_for = std::chrono::ceil<std::chrono::milliseconds>(base::steady_now() - facts.sent_at);
    if ((flags & ledger::k_estimated) != 0 && facts.sent_at != base::SteadyTime())
      request.add_unseen(response_.meter, worked_for, facts.output_rate, usage);
    parts_.entry.add_lost(request, usage);
  }
  parts_.failover.note(refusal_for(how));
  return End::lost;
}

// The upstream failed under way: what was used is posted, and the client's response never looks complete.
template <class Writer, class Attempt>
http::Task<typename BasicResponsePump<Writer, Attempt>::End> BasicResponsePump<Writer, Attempt>::end_badly(State how) {
  judging_ = false;
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
    out_ = failure_event(refusal);
    auto written = writer_.try_write(out_, Part::middle);
    if (!written) written = co_await writer_.write_rest();
    writer_.wrote(*written);
  }
  // No final chunk, no promised length, no close_notify: the connection's end is the only end this response gets.
  co_return End::over;
}

// In the form that clients of the endpoint look for; after an event that is cut, an end of that first.
template <class Writer, class Attempt>
std::string BasicResponsePump<Writer, Attempt>::failure_event(const dialect::Refusal& refusal) const {
  const std::string before = long_event_ ? "\n\n" : "";
  const auto endpoint = parts_.context.endpoint;
  if (endpoint != dialect::Endpoint::responses)
    return before + dialect::error_event(refusal, dialect::dialect_of(endpoint), parts_.context.request_id);
  const auto& meter = response_.meter;
  dialect::FailedResponse failed{meter.response_id(), meter.told().text("/model")};
  const std::string own_id = "resp_" + parts_.context.request_id;
  if (failed.id.empty()) failed.id = own_id;
  failed.created_at = base::to_unix_ms(base::wall_now()) / 1000;
  failed.sequence_number = meter.sequence_number() + 1;
  return before + dialect::failed_response_event(refusal, failed);
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
