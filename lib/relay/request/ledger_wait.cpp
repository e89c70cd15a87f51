// SPDX-License-Identifier: MIT
#include "relay/request/ledger_wait.h"

#include <poll.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "relay/request/worker_context.h"

namespace cr::relay::request {

namespace asio = http::asio;

namespace {

constexpr int k_unavailable_status = 503;
constexpr std::chrono::seconds k_retry_after{1};

// Nobody waits for it: what it reserves goes back.
void drop(std::unique_ptr<Reservation> op) {
  if (op->outcome != ledger::ReserveOutcome::reserved || op->amount <= base::Credits()) return;
  ledger::Settlement settlement;
  settlement.facts = std::move(op->facts);
  settlement.ending = ledger::Ending::refused;
  settlement.reserved = op->amount;
  settlement.status = k_unavailable_status;
  settlement.error = dialect::row_of(dialect::RefusalCode::unavailable).name;
  op->ledger->settle(std::move(settlement));
}

}  // namespace

dialect::Refusal ledger_unavailable() {
  return {
      dialect::RefusalCode::unavailable, "the ledger cannot record the request now: send it again", {}, k_retry_after};
}

dialect::Refusal ledger_unreadable() {
  return {
      dialect::RefusalCode::unavailable, "the ledger cannot be read now: send the request again", {}, k_retry_after};
}

Reservation::Reservation(billing::ReservationTerms reservation_terms) : terms(std::move(reservation_terms)) {
  may_wait = true;
  size = [this](base::Credits available) -> std::optional<base::Credits> {
    sized = billing::size_reservation(terms, available);
    if (!sized) return std::nullopt;
    return sized->amount;
  };
}

void LedgerInbox::deliver(ledger::ReserveOp* reserves, ledger::QueryOp* queries) {
  {
    const base::MutexLock lock(mutex_);
    if (!closed_) {
      waiting_.push_back({reserves, queries});
      // Under the lock: close() must not come between.
      if (waiting_.size() == 1) asio::post(io_, [this] { hand_out(); });
      return;
    }
  }
  finish({reserves, queries});
}

void LedgerInbox::hand_out() {
  std::vector<Lists> taken;
  {
    const base::MutexLock lock(mutex_);
    taken.swap(waiting_);
  }
  for (const Lists& lists : taken) finish(lists);
}

void LedgerInbox::close() {
  {
    const base::MutexLock lock(mutex_);
    closed_ = true;
  }
  hand_out();
}

void LedgerInbox::finish(Lists lists) {
  while (lists.reserves != nullptr) {
    std::unique_ptr<Reservation> op(static_cast<Reservation*>(lists.reserves));
    lists.reserves = op->next;
    if (auto* const waiter = static_cast<LedgerWait*>(op->waiter)) {
      waiter->answer(std::move(op));
    } else {
      drop(std::move(op));
    }
  }
  while (lists.queries != nullptr) {
    std::unique_ptr<ledger::QueryOp> op(lists.queries);
    lists.queries = op->next;
    if (auto* const waiter = static_cast<LedgerWait*>(op->waiter)) waiter->answer(std::move(op));
  }
}

LedgerWait::LedgerWait(WorkerContext& worker, http::server::Connection& client)
    : worker_(worker),
      watch_(worker.heartbeat(), {.expired = [this] { expired(); },
                                  .hung_up =
                                      [this](short events) {
                                        if ((events & (POLLERR | POLLHUP)) != 0) leave(End::client_left);
                                      },
                                  .tick = {}}) {
  auto& list = worker.ledger_waits().list_;
  place_ = list.insert(list.end(), this);
  watch_.look_for_hang_up(client.fd());
}

LedgerWait::~LedgerWait() {
  detach();
  worker_.ledger_waits().list_.erase(place_);
}

// The ledger must answer in time; but one that said that it waits for credit is waited for as long as that may take.
void LedgerWait::expired() {
  const auto& settings = *worker_.settings();
  const bool waits = reserving_ != nullptr && reserving_->waits();
  const auto most = waits ? settings.credit.credit_wait : settings.ledger_timeout;
  const auto left = most - std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - since_);
  if (left.count() > 0) return watch_.expire_after(left);
  if (waits) in_the_way_ = reserving_->in_the_way;
  leave(waits ? End::reserved : End::late);
}

ledger::ReserveOp LedgerWait::in_the_way() const {
  ledger::ReserveOp op;
  op.outcome = ledger::ReserveOutcome::credit_reserved;
  op.in_the_way = in_the_way_;
  return op;
}

template <class Submit>
http::Task<void> LedgerWait::suspend(Submit submit) {
  const auto& settings = *worker_.settings();
  since_ = base::steady_now();
  watch_.expire_after(std::min(settings.ledger_timeout, settings.credit.credit_wait));
  return asio::async_initiate<const Token, void()>(
      [this, submit](Handler handler) {
        handler_.emplace(std::move(handler));
        submit();
      },
      Token());
}

http::Task<void> LedgerWait::reserve(std::unique_ptr<Reservation>& op) {
  reservation_ = &op;
  return suspend([this] {
    Reservation& away = *reservation_->release();
    reserving_ = &away;
    away.waiter = this;
    away.recipient = worker_.index();
    away.ledger = &worker_.shared().ledger;
    away.ledger->reserve(away);
  });
}

http::Task<void> LedgerWait::query(std::unique_ptr<ledger::QueryOp>& op) {
  query_ = &op;
  return suspend([this] {
    ledger::QueryOp& away = *query_->release();
    querying_ = &away;
    away.waiter = this;
    away.recipient = worker_.index();
    worker_.shared().ledger.query(away);
  });
}

void LedgerWait::answer(std::unique_ptr<Reservation> op) {
  reserving_ = nullptr;
  *reservation_ = std::move(op);
  end_ = End::answered;
  resume();
}

void LedgerWait::answer(std::unique_ptr<ledger::QueryOp> op) {
  querying_ = nullptr;
  *query_ = std::move(op);
  end_ = End::answered;
  resume();
}

void LedgerWait::resume() {
  auto handler = std::move(*handler_);
  handler_.reset();
  std::move(handler)();  // this object may be gone when it returns
}

// The operation goes on without a waiter. Only the worker reads and writes `waiter`.
void LedgerWait::detach() {
  watch_.disarm();
  watch_.look_for_hang_up(-1);
  if (reserving_ != nullptr) {
    reserving_->waiter = nullptr;
    reserving_->abandon();
    reserving_ = nullptr;
  }
  if (querying_ != nullptr) querying_->waiter = nullptr;
  querying_ = nullptr;
}

// Posted, since it is called where the coroutine must not go on at once: from the heartbeat's walk over its watches.
void LedgerWait::leave(End why) {
  if (!handler_) return;
  detach();
  end_ = why;
  asio::post(worker_.io(), std::move(*handler_));
  handler_.reset();
}

void LedgerWaits::leave_all() {
  for (LedgerWait* wait : list_) wait->leave(LedgerWait::End::cut);
}

void LedgerWaits::destroy_all() {
  std::vector<LedgerWait::Handler> coroutines;
  for (LedgerWait* wait : list_) {
    wait->detach();
    if (wait->handler_) coroutines.push_back(std::move(*wait->handler_));
    wait->handler_.reset();
  }
}

}  // namespace cr::relay::request
