// SPDX-License-Identifier: MIT
#include "relay/request/exchange.h"

#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "relay/request/persistence.h"
#include "relay/request/price_terms.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

Exchange::Exchange(Lane& lane, http::server::Connection& client, const http::message::RequestHead& head,
                   dialect::Endpoint endpoint, base::RequestId id)
    : lane_(lane),
      client_(client),
      head_(head),
      endpoint_(endpoint),
      id_(id),
      request_id_(id.to_string()),
      started_at_(lane.shared().ledger.now()),
      started_(base::steady_now()),
      directory_(lane.directory()),
      settings_(lane.settings()),
      place_(lane.running().insert(lane.running().end(), this)),
      admission_(*directory_, lane.shared().health, lane.shared().rates, endpoint),
      body_(head, endpoint, *settings_, started_),
      writer_(client, head, *settings_),
      memory_wait_(lane.io()),
      events_(settings_->event_bytes_max) {
  lane_.shared().requests_running.fetch_add(1, std::memory_order_relaxed);
  lane_.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
  report({routing::Verdict::Kind::abandoned});  // unless it was told already
  base::wipe(request_.head);  // still here, with the channel's key, if the daemon stopped while it was being sent
  lane_.shared().requests_running.fetch_sub(1, std::memory_order_relaxed);
  lane_.running().erase(place_);
}

http::Task<Persistence> Exchange::run() {
  // One refusal for all steps: each of its own would have its place in the coroutine's frame.
  auto refusal = check_head();
  if (!refusal) refusal = admission_.enter(base::steady_now());
  if (!refusal && !body_.take_whole(client_)) refusal = co_await body_.read(client_);
  if (body_.client_left()) writer_.client_left();
  if (!refusal) refusal = scan_and_allow();
  if (!refusal && stored_) refusal = co_await look_for_stored();
  if (!refusal) refusal = admit();
  if (!refusal && admission_.is_limited()) refusal = co_await reserve();
  do {
    if (!refusal) refusal = co_await open();
    if (refusal) co_return co_await refuse(std::move(*refusal));
    co_await pump();
  } while (!source_);  // its answer broke off before the client saw any of it: the next channel's turn
  end_pump();
  co_return writer_.persistence();
}

Exchange::MaybeRefusal Exchange::check_head() {
  if (!lane_.shared().ledger.fresh()) return ledger_unavailable();
  auto refusal = admission_.identify(head_, client_.peer(), *settings_, lane_.key_reader(), started_at_);
  if (refusal) return refusal;
  answer_memory_.emplace(lane_.shared().memory, token().id.value);
  refusal = Admission::serve(lane_.shared().draining.load(std::memory_order_relaxed), lane_.ledger_admits());
  if (!refusal) refusal = body_.begin(lane_.shared().memory, token());
  return refusal;
}

Exchange::MaybeRefusal Exchange::scan_and_allow() {
  if (endpoint_ == dialect::Endpoint::response_by_id) {
    dialect::RequestScan scan;
    if (auto refusal = read_stored_request(scan)) return refusal;
    return admission_.allow(std::move(scan));
  }
  auto scan = body_.scan(lane_.scanner());
  if (!scan) return scan.error();
  if (auto refusal = admission_.allow(std::move(*scan))) return refusal;
  if (!this->scan().previous_response.empty())
    stored_ = std::make_unique<Stored>(token().id, this->scan().previous_response);
  return std::nullopt;
}

Exchange::MaybeRefusal Exchange::admit() {
  auto refusal = admission_.route(stored_.get(), started_at_, base::steady_now(), lane_.random());
  if (refusal) return refusal;
  group_ = tries().front().group;
  const auto request = priced();
  refusal = admission_.check_price(request);
  if (!refusal) refusal = admission_.charge_rates(request, base::steady_now());
  return refusal;
}

PricedRequest Exchange::priced() const {
  auto request = admission_.priced(body_.size(settled_));
  if (group_ != nullptr) request.multiplier = {group_->multiplier_millionths};
  if (hold_) request.hold = &*hold_;
  return request;
}

http::Task<Exchange::MaybeRefusal> Exchange::reserve() {
  reservation_ = std::make_unique<Reservation>(priced().hold_terms(token().when_low));
  started_at_ = lane_.shared().ledger.now();
  fill_facts(reservation_->facts);
  LedgerWait wait(lane_, client_);
  co_await wait.reserve(reservation_);
  if (!reservation_) co_return unanswered_by_ledger(wait.end());
  if (reservation_->outcome == ledger::ReserveOutcome::held) {
    hold_ = reservation_->hold;
    body_.limit_choices(scan().choices);
  }
  co_return admission_.check_reservation(*reservation_, lane_.shared().ledger.now());
}

Exchange::MaybeRefusal Exchange::unanswered_by_ledger(LedgerWait::End end) {
  if (end != LedgerWait::End::late) writer_.client_left();
  return ledger_unavailable();
}

http::Task<Persistence> Exchange::refuse(Refusal refusal) {
  const auto persistence = persistence_after(head_, client_, lane_.shared());
  status_ = dialect::row_of(refusal.code).status;
  error_ = dialect::row_of(refusal.code).name;
  settle(Outcome::End::refused, refusal.code);
  if (writer_.client_gone()) co_return Persistence::close;
  const auto rates = admission_.rate_status(base::steady_now());
  const auto to = answer_for(head_, dialect::dialect_of(endpoint_), request_id_, *settings_);
  const auto text = refusal_text(refusal, to, persistence, rates ? &*rates : nullptr);
  const bool written = co_await writer_.write_text(text);
  co_return written ? persistence : Persistence::close;
}

void Exchange::cut() {
  writer_.cut();
  if (connecting_) connecting_->cancel();
  if (source_) source_->cancel();
  memory_wait_.cancel();
}

}  // namespace cr::relay::request
