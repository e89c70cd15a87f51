// SPDX-License-Identifier: MIT
// Exchange: the life of one relayed request, from its head to its settlement. run() is the story; each step belongs to
// one of the parts: Admission decides whether the request may be made, BodySource has its body, LedgerEntry what it is
// charged, Failover whose turn it is, Attempt is one try of one route, ResponsePump passes its response on, and
// ResponseWriter knows what the client has seen. Worker thread; lives in its connection's coroutine.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "dialect/refusal.h"
#include "http/server/connection.h"
#include "relay/request/admission.h"
#include "relay/request/attempt.h"
#include "relay/request/body_source.h"
#include "relay/request/failover.h"
#include "relay/request/ledger_entry.h"
#include "relay/request/recycled_allocation.h"
#include "relay/request/request_context.h"
#include "relay/request/response_pump.h"
#include "relay/request/response_writer.h"
#include "relay/request/stored.h"
#include "relay/request/worker_context.h"

namespace cr::relay::request {

class Exchange : public RecycledAllocation<Exchange> {
 public:
  Exchange(WorkerContext& worker, http::server::Connection& client, const http::message::RequestHead& head,
           dialect::Endpoint endpoint, base::RequestId id);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // To the end, settled on every path. `close` when the connection cannot carry another request.
  http::Task<Persistence> run();
  // Ends it now: the client's connection and the upstream's are cut, what was used is settled.
  void cut();

 private:
  using MaybeRefusal = std::optional<dialect::Refusal>;

  MaybeRefusal identify(), scan_and_allow(), admit();
  std::vector<std::int64_t> output_rates();
  http::Task<MaybeRefusal> look_for_stored(), reserve(), open();
  http::Task<MaybeRefusal> note_lost(std::unique_ptr<Reservation>& note);
  MaybeRefusal read_stored_request(dialect::RequestScan& scan);
  MaybeRefusal unanswered_by_ledger(LedgerWait::End end);
  bool goes_on(AttemptResult result, const ClaimedRoute& claimed);
  bool may_go_on() const;  // to another attempt
  void tick(base::SteadyTime now);
  http::Task<ResponsePump::End> pump();
  http::Task<Persistence> refuse(dialect::Refusal refusal);
  void watch_client();
  void on_hang_up(short events);
  void client_left();
  void close();

  WorkerContext& worker_;
  http::server::Connection& client_;
  const RequestContext context_;
  std::list<Exchange*>::iterator place_;
  Admission admission_;
  BodySource body_;
  std::unique_ptr<Stored> stored_;  // of a request for, or after, a response that its provider keeps
  LedgerEntry entry_;
  Failover failover_;
  std::optional<Attempt> attempt_;  // the last one
  ResponseWriter writer_;
  std::optional<ResponsePump> pump_;  // of the response that was opened last
  std::optional<http::Watch> watch_;
};

}  // namespace cr::relay::request
