// SPDX-License-Identifier: MIT
// ResponsePump: passes one open response on, from its provider through the meter to the client. Metering sits where
// bytes arrive, so that the client's fate does not decide the sum; the settlement is on its way before the client sees
// the end of its response. Worker thread; one response each. What it refers to outlives it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/memory_budget.h"
#include "http/message/sse.h"
#include "relay/request/admission.h"
#include "relay/request/attempt.h"
#include "relay/request/failover.h"
#include "relay/request/ledger_entry.h"
#include "relay/request/memory_wait.h"
#include "relay/request/request_context.h"
#include "relay/request/response_writer.h"

namespace cr::relay::request {

class ResponsePump {
 public:
  // The parts of the request's Exchange.
  struct Parts {
    const RequestContext& context;
    const Admission& admission;
    const BodySource& body;
    Failover& failover;
    LedgerEntry& entry;
    ResponseWriter& writer;
    http::Watch& watch;
    const Stored* stored = nullptr;
  };
  // `attempt` has a response.
  ResponsePump(const Parts& parts, Attempt& attempt);

  enum class End {
    over,  // settled, and the client has got what it gets
    lost,  // it broke off before the client saw any of it, and another channel can be asked
  };
  http::Task<End> run();
  void cancel() { memory_wait_.cancel(); }  // ends a wait, from another coroutine

 private:
  using State = ResponseStep::State;

  http::Task<End> pump_head(), pump_whole(), pump_events();
  http::Task<End> end_badly(State how);
  http::Task<bool> wait_for_memory(std::uint64_t bytes);
  void begin(std::optional<std::uint64_t> content_length);
  void tell_wait(AnswerHead& head) const;
  bool is_sound() const;
  void gather(std::string& gathered, std::string_view piece, bool metered);
  void settle_whole(std::string_view body, bool metered, std::uint64_t received);
  bool take_events(std::string_view bytes);
  void take_whole_events();
  bool fit_events();
  bool is_over() const;
  bool may_ask_another() const;
  End lose(State how);
  bool give_up_on_client();
  void settle(Outcome::End end);
  LedgerEntry::Told told() const;
  std::chrono::milliseconds fill_timeout() const;

  const Parts parts_;
  ResponseWriter& writer_;
  Attempt& attempt_;
  OpenResponse& response_;
  UpstreamResponse& source_;
  base::MemoryCharge memory_;
  MemoryWait memory_wait_;
  http::message::SseSplitter events_;
  std::string out_;  // events on their way to the client
};

}  // namespace cr::relay::request
