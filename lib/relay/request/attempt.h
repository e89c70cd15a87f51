// SPDX-License-Identifier: MIT
// Attempt: one try of one route: the claim on its channel, the connection, the request as it is sent there, what came
// back, and the observation that the circuit breaker is told. Another try is another object. Worker thread; what it
// refers to outlives it. The decisions are attempt_result.h's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "billing/reservation.h"
#include "dialect/meter.h"
#include "ledger/core/ledger.h"
#include "relay/request/attempt_result.h"
#include "relay/request/body_source.h"
#include "relay/request/failover.h"
#include "relay/request/key_mask.h"
#include "relay/request/metrics.h"
#include "relay/request/own_probe.h"
#include "relay/request/passed_fields.h"
#include "relay/request/request_context.h"
#include "relay/request/settlement.h"
#include "relay/request/stored.h"
#include "relay/request/upload_stream.h"
#include "relay/request/upstream_access.h"
#include "relay/request/upstream_request.h"
#include "relay/request/upstream_response.h"

namespace cr::relay::request {

// A response that has begun, and what is known of it so far.
template <class Source>
struct BasicOpenResponse {
  BasicOpenResponse(Source&& from, dialect::Meter&& measured) : source(std::move(from)), meter(std::move(measured)) {}

  int status() const { return source.status(); }
  bool passed_error() const { return status() >= 400; }  // the provider's own: nothing is posted for it

  Source source;
  dialect::Meter meter;
  std::int64_t first_byte_ms = 0;
  std::uint64_t unread_bytes = 0;  // of a plain one, that the meter could not read
  KeyMask key_mask{};              // of the channel's keys
  bool answered = false;           // by the channel's own doing: its timings say something of it
};
using OpenResponse = BasicOpenResponse<UpstreamResponse>;

class Attempt {
 public:
  using Response = OpenResponse;
  // What the attempts of one request have in common.
  struct Request {
    const RequestContext& context;
    const dialect::RequestScan& scan;
    BodySource& body;
    UpstreamAccess& upstreams;
    routing::CircuitBreaker& health;
    base::Log& log;
    Metrics& metrics;
    http::server::Connection* client = nullptr;  // what a form that streams comes from
    const Stored* stored = nullptr;              // of a request for, or after, a response that its provider keeps
    const billing::ReservationSize* reservation = nullptr;  // none: nothing is reserved
    std::optional<std::int64_t> longest_answer{};           // of the route's model, where its price knows it
    bool client_gone = false;
    ledger::Ledger* ledger = nullptr;  // where crd's own probes are booked
  };

  Attempt(const Request& request, const ClaimedRoute& claimed);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // What needs no connection: a response of crd's own, or a channel whose address is not usable. Nothing: send().
  std::optional<AttemptResult> begin();
  // Connects, sends, and reads the response's head. `last`: no other route is left, so that a refusal goes through.
  http::Task<AttemptResult> send(bool last);
  // Ends whatever is under way, from another coroutine.
  void cancel();
  // The client left: nothing that fails from here on is the channel's fault.
  void client_left() { client_gone_ = true; }

  // The claim goes on to another attempt of the same route; or it is given up.
  void hand_over() { reported_ = true; }
  void give_up() { report({routing::Observation::Kind::abandoned}); }

  // Until it ends: by its last byte (end_response()), or broken off before the client saw any of it (lose_response()).
  OpenResponse* response() { return response_ ? &*response_ : nullptr; }
  const OpenResponse* response() const { return response_ ? &*response_ : nullptr; }
  void end_response() { response_.reset(); }
  void lose_response(std::string_view how);  // in words of the log
  // How the response came to its end, for the circuit breaker.
  void finish(routing::CircuitBreaker::Finish finish);

  bool is_sent() const;  // whole: the channel may be working on it
  const ledger::ChannelRecord& channel() const { return *claimed_.route->channel; }
  const AnswerFields& passed() const { return passed_; }
  std::int64_t output_rate() const;  // model tokens a second that one response of its provider has at most
  // What the request's settlement says of it; refers to this.
  LastAttempt facts() const;

 private:
  std::optional<AttemptResult> open_local();
  dialect::Rewrite rewrite() const;
  WrittenMembers written_by(const dialect::Rewrite& rewrite) const;
  Lesson learn(int status, std::string_view body);
  void prepare();
  void leave_out_members();
  void add_body();
  AttemptResult not_connected(const base::Error& error);
  AttemptResult conclude(http::client::AnswerOutcome outcome, bool last);
  AttemptResult judge_silence(http::client::AnswerOutcome outcome);
  AttemptResult judge_head(bool last);
  http::Task<AttemptResult> judge_error(bool last);
  http::Task<std::string> read_error();
  std::optional<std::chrono::milliseconds> told_wait() const;
  void log_refused(int status) const;
  void log_unreadable() const;
  void open_response(UpstreamResponse&& source, bool answered);
  std::optional<std::int64_t> output_bound() const;
  AttemptResult take(Ruling ruling);
  void report(const routing::Observation& observation);
  void note_change(const routing::BreakerChange& change, const routing::Observation& observation);

  const RequestContext& context_;
  const dialect::RequestScan& scan_;
  BodySource& body_;
  UpstreamAccess& upstreams_;
  routing::CircuitBreaker& health_;
  base::Log& log_;
  http::server::Connection* const client_;
  const Stored* const stored_;
  const billing::ReservationSize* const reservation_;
  const std::optional<std::int64_t> longest_answer_;
  const ClaimedRoute claimed_;
  WrittenMembers written_;
  LearntEdit learnt_;
  bool kept_;  // a connection that was used before will do, or is in use
  std::shared_ptr<const ChannelAddress> address_;
  UpstreamRequest request_;
  std::unique_ptr<http::client::UpstreamConnection> connection_;  // until its response is open
  std::unique_ptr<UploadStream> upload_;                          // of a form that streams
  AnswerFields passed_;
  std::optional<OpenResponse> response_;
  base::SteadyTime sent_at_{};
  bool sent_ = false;
  bool reported_ = false;
  bool client_gone_;
  const OwnProbe probes_;  // what crd's own are made with
};

}  // namespace cr::relay::request
