// SPDX-License-Identifier: MIT
// Exchange: the life of one relayed request, from its head to its settlement. Worker thread; lives in its connection's
// coroutine. run() reads top to bottom: authenticate, read, scan, allow, route, reserve, open, pump.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "billing/price.h"
#include "dialect/meter.h"
#include "dialect/refusal.h"
#include "http/server/connection.h"
#include "ledger/core/operations.h"
#include "relay/request/admission.h"
#include "relay/request/answer_source.h"
#include "relay/request/answer_text.h"
#include "relay/request/attempt.h"
#include "relay/request/body_source.h"
#include "relay/request/lane.h"
#include "relay/request/ledger_wait.h"
#include "relay/request/memory_wait.h"
#include "relay/request/passed_fields.h"
#include "relay/request/priced_request.h"
#include "relay/request/recycled_allocation.h"
#include "relay/request/response_writer.h"
#include "relay/request/settlement.h"
#include "relay/request/upload.h"
#include "relay/request/upstream_request.h"

namespace cr::relay::request {

class Exchange : public RecycledAllocation<Exchange> {
 public:
  Exchange(Lane& lane, http::server::Connection& client, const http::message::RequestHead& head,
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

  // exchange.cpp: deciding
  MaybeRefusal check_head(), scan_and_allow(), admit();
  http::Task<MaybeRefusal> look_for_stored(), reserve(), open();  // each in its topic's file
  const dialect::RequestScan& scan() const { return admission_.scan(); }
  const ledger::TokenRecord& token() const { return *admission_.caller().token; }
  const std::vector<routing::Route>& tries() const { return admission_.routes().tries; }
  MaybeRefusal unanswered_by_ledger(LedgerWait::End end);
  PricedRequest priced() const;
  http::Task<Persistence> refuse(dialect::Refusal refusal);

  // stored.cpp: responses that their provider keeps
  MaybeRefusal read_stored_request(dialect::RequestScan&scan), take_stored();

  // open.cpp: reaching a channel
  bool claim(const routing::Route& route);
  bool is_left() const, is_sent() const;
  void prepare_request(const routing::Route& route, const ChannelAddress& address);
  http::Task<Attempt> send_and_read_head(const routing::Route& route, const ChannelAddress& address, bool last);
  bool carry_again(base::SteadyTime::duration since_sent);
  Attempt not_connected(const base::Error& error);
  Attempt closed_unanswered(), broke_off(), stopped_reading(), failed_upload();
  Attempt no_answer(http::client::AnswerOutcome outcome, bool began);
  Attempt judge_answer(std::unique_ptr<http::client::UpstreamConnection> connection, const ChannelAddress& address,
                       bool last);
  MaybeRefusal open_echo(const routing::Route& route);
  void report(const routing::Verdict& verdict);
  void log_change(const routing::HealthChange& change, const routing::Verdict& verdict) const;
  dialect::Rewrite rewrite_for(const routing::Route& route) const;
  std::chrono::milliseconds time_left(std::chrono::milliseconds limit) const;

  // upload.cpp: forms with files, passed on while they come
  http::Task<http::client::AnswerOutcome> send_upload(http::client::UpstreamConnection& connection);
  http::Task<bool> pass_on(http::client::UpstreamConnection& connection, const EarlyHead& early, http::Watch& stall);

  // pump.cpp: passing the answer on
  http::Task<void> pump(), pump_head(), pump_whole(), pump_events();
  bool is_sound() const, may_ask_another() const;
  bool fit_events(), give_up_on_client();
  void end_pump(), take_whole_events();
  http::Task<bool> wait_for_memory(std::uint64_t bytes);
  bool take_events(std::string_view bytes);
  void gather(std::string& gathered, std::string_view piece, bool metered);
  void settle_whole(std::string_view body, bool metered, std::uint64_t received);
  void begin_answer(std::optional<std::uint64_t> content_length);
  void tell_wait(AnswerHead& head);
  http::Task<void> end_badly(SourceStep::State how, bool head_sent);
  void lose_answer(SourceStep::State how);
  std::chrono::milliseconds fill_timeout() const;
  base::SteadyTime drain_until() const { return writer_.left_at() + settings_->drain_answer_timeout; }
  void on_hang_up(short events);

  // settle.cpp
  void fill_facts(ledger::RequestFacts& facts) const;
  void settle(Outcome::End end, std::optional<dialect::RefusalCode> refused = {});
  Outcome take_outcome(const PricedRequest& request, Outcome::End end);
  void add_lost(const PricedRequest& request, const dialect::Usage& usage);
  void tell_health(routing::HealthBook::Finish finish);
  void log_end(const ledger::Settlement& settlement) const;

  Lane& lane_;
  http::server::Connection& client_;
  const http::message::RequestHead& head_;
  const dialect::Endpoint endpoint_;
  const base::RequestId id_;
  const std::string request_id_;
  base::Time started_at_;  // set anew when the reservation is made: that moment's budgets carry it
  const base::SteadyTime started_;
  const ledger::DirectorySnapshot directory_;
  const std::shared_ptr<const policy::Settings> settings_;
  std::list<Exchange*>::iterator place_;

  Admission admission_;
  BodySource body_;
  ResponseWriter writer_;
  std::optional<base::MemoryCharge> answer_memory_;  // once the token is known
  MemoryWait memory_wait_;                           // the answer's
  Walk walk_;
  const ledger::ChannelRecord* channel_ = nullptr;  // being tried, or opened; in directory_
  const ledger::GroupRecord* group_ = nullptr;
  std::optional<routing::Claim> claim_;
  std::string_view upstream_model_;
  std::unique_ptr<Stored> stored_;            // of a request for, or after, a response that its provider keeps
  std::unique_ptr<Reservation> reservation_;  // none while the ledger has it, or where nothing is to be held
  std::optional<billing::Hold> hold_;
  UpstreamRequest request_;
  http::client::UpstreamConnection* connecting_ = nullptr;  // while opening: what cut() cancels
  base::SteadyTime answer_until_;                           // timeout_total of the channel being tried
  std::optional<AnswerSource> source_;                      // none: no channel is open, or its answer was lost
  std::optional<dialect::Meter> meter_;

  std::optional<http::Watch> watch_;
  http::message::SseSplitter events_;
  std::string out_;  // events on their way to the client
  std::optional<std::int64_t> first_byte_ms_;
  std::uint64_t unread_bytes_ = 0;  // of a plain answer that the meter could not read
  int status_ = 0;
  std::string_view error_;  // error.code for the row
  AnswerFields passed_;     // of the last provider that answered
  bool settled_ = false;
  bool upload_stalled_ = false;  // the channel stopped reading a form
  std::optional<Lost> lost_;     // by tries that were sent, and whose answer nobody got
  bool sent_ = false;            // whole, to the channel being tried: it may be working on it
  bool reported_ = false;        // what became of claim_
  bool answered_ = false;        // by the channel's own doing: its timings say something of it
  bool passed_error_ = false;    // the provider's own error went through: nothing is posted for it
};

}  // namespace cr::relay::request
