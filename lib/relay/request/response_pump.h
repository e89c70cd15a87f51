// SPDX-License-Identifier: MIT
// ResponsePump: passes one open response on, from its provider through the meter to the client. Metering sits where
// bytes arrive, so that the client's fate does not decide the sum; the settlement is on its way before the client sees
// the end of its response. Worker thread; one response each. What it refers to outlives it. A template of where a
// response comes from and goes to, so that its tests need no socket (response_pump_steps.h).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/memory_budget.h"
#include "http/message/sse.h"
#include "json/reducer.h"
#include "relay/request/admission.h"
#include "relay/request/attempt.h"
#include "relay/request/failover.h"
#include "relay/request/ledger_entry.h"
#include "relay/request/memory_wait.h"
#include "relay/request/request_context.h"
#include "relay/request/response_writer.h"

namespace cr::relay::request {

// How a response that did not come whole is settled, and what its client is told.
Outcome::End end_of(ResponseStep::State how);
dialect::Refusal refusal_for(ResponseStep::State how);

// `Writer` and `Attempt`: the classes of these names, or what can be written to and read from as they can.
template <class Writer, class Attempt>
class BasicResponsePump {
 public:
  // The parts of the request's Exchange.
  struct Parts {
    const RequestContext& context;
    const Admission& admission;
    const BodySource& body;
    Failover& failover;
    LedgerEntry& entry;
    http::Watch& watch;
    http::asio::io_context& io;
    base::MemoryBudget& memory;
    const std::atomic<bool>& draining;  // this daemon shuts down
    const Stored* stored = nullptr;
  };
  // `attempt` has a response.
  BasicResponsePump(const Parts& parts, Writer& writer, Attempt& attempt);

  enum class End {
    over,       // settled, and the client has got what it gets
    lost,       // it broke off before the client saw any of it, and another channel can be asked
    no_answer,  // whole, and no answer of its endpoint: a page, an error, nothing. The client saw nothing of it
  };
  http::Task<End> run();
  // Four times a second, from another coroutine: what a silent stream's client is told in time.
  void tick(base::SteadyTime now);
  void cancel() { memory_wait_.cancel(); }  // ends a wait, from another coroutine

 private:
  using State = ResponseStep::State;
  using Part = ResponseFraming::Part;
  using Response = typename Attempt::Response;
  using Source = decltype(Response::source);

  static constexpr std::size_t k_gather_bytes = std::size_t{64} * 1024;  // of a plain response, before its head goes
  static constexpr std::size_t k_kept_bytes = std::size_t{64} * 1024;    // of room for events, from one to the next
  // How long a stream that has said its last word may take to end, so that its connection can be used again.
  static constexpr std::chrono::milliseconds k_end_wait{250};
  // A response that waits for memory so long passes without it: its usage is estimated, or a stream is cut.
  static constexpr std::chrono::milliseconds k_memory_wait{60'000};

  // A plain response under way. Gathered while it is small; then it passes, and the meter reads what a reducer left.
  struct Whole {
    std::string gathered;
    std::string_view only;  // the whole body, if it came in one piece
    std::uint64_t received = 0;
    bool metered = true;
    bool passes = false;   // its head is out, or will never be
    bool refused = false;  // it cannot be an answer
    std::optional<json::Reducer> reduced{};
  };
  // An event that is too long to be held.
  struct LongEvent {
    http::message::SseLongEvent event;
    json::Reducer data;
  };

  http::Task<End> pump_head(), pump_whole(), pump_events();
  http::Task<End> end_badly(State how);
  http::Task<bool> wait_for_memory(std::uint64_t bytes);
  http::Task<void> drop_rest();
  void begin(std::optional<std::uint64_t> content_length);
  void tell_wait(AnswerHead& head) const;
  bool is_judged() const;
  bool is_sound() const;
  ResponseStep next_step();
  bool is_of_other_form(std::string_view first, bool events, bool& open);
  std::string_view gather(Whole& whole, std::string_view piece);
  void let_go(Whole& whole);
  std::uint64_t held(const Whole& whole) const;
  bool settle_whole(Whole& whole);
  void begin_events();
  std::optional<End> judge_events(State state);
  void take_events(std::string_view bytes);
  void take_whole_events();
  std::size_t pass_long_event(std::string_view bytes);
  bool fit_events();
  bool is_over() const;
  bool may_ask_another() const;
  End lose(State how);
  End no_answer();
  std::string failure_event(const dialect::Refusal& refusal) const;
  bool give_up_on_client();
  void settle(Outcome::End end);
  void settle(Outcome::End end, LedgerEntry::Told told);
  LedgerEntry::Told told() const;
  std::chrono::milliseconds fill_timeout() const;
  // An unfinished event, and its copy once it goes to the client.
  std::uint64_t event_bytes() const {
    return 2 * events_.held_bytes() + (long_event_ ? long_event_->data.text().size() : 0) + source_.held_bytes();
  }

  const Parts parts_;
  Writer& writer_;
  Attempt& attempt_;
  Response& response_;
  Source& source_;
  base::MemoryCharge memory_;
  MemoryWait memory_wait_;
  http::message::SseSplitter events_;
  std::string out_;  // events on their way to the client
  std::unique_ptr<LongEvent> long_event_;
  std::string carried_;      // the first bytes, where they show another form than the head says
  bool carries_ = false;     // they are the next step
  bool other_form_ = false;  // it is not of the form that the head says
  bool judging_ = false;     // a stream's head waits until its first event shows whether it is an answer
  base::SteadyTime judged_by_{};
};

extern template class BasicResponsePump<ResponseWriter, Attempt>;
using ResponsePump = BasicResponsePump<ResponseWriter, Attempt>;

}  // namespace cr::relay::request
