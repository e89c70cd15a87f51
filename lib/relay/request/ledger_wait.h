// SPDX-License-Identifier: MIT
// A worker's side of what it asks the ledger thread. An operation belongs to the ledger, and then to the worker's
// inbox, while it is away; the coroutine that waits for it may leave at a deadline or with its client, so that nothing
// of a request is written by another thread after the request is gone.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "billing/reservation.h"
#include "dialect/refusal.h"
#include "http/net/event_loop.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/server/connection.h"
#include "ledger/core/ledger.h"
#include "relay/request/recycled_allocation.h"

namespace cr::relay::request {

class WorkerContext;
class LedgerWait;

// A reservation with all that sizing it needs. One that comes back reserved when nobody waits for it any more is void:
// nothing was sent for it.
struct Reservation : ledger::ReserveOp, RecycledAllocation<Reservation> {
  explicit Reservation(billing::ReservationTerms reservation_terms);
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  billing::ReservationTerms terms;
  std::optional<billing::ReservationSize> sized;  // what the ledger thread sized; of the last try, if it tried again
  ledger::Ledger* ledger = nullptr;               // where it was made
};

// Where the ledger thread leaves a worker's finished operations, with one post for each batch. Shared by the worker and
// the ledger's worker. Thread-safe.
class LedgerInbox {
 public:
  explicit LedgerInbox(http::asio::io_context& io) : io_(io) {}

  // The ledger thread's, or of a worker whose operation was refused at once. Takes both lists over.
  void deliver(ledger::ReserveOp* reserves, ledger::QueryOp* queries);
  // Once the worker has stopped, and before its loop ends: nothing is posted to the loop from here on. What comes is
  // finished at once.
  void close();

 private:
  struct Lists {
    ledger::ReserveOp* reserves = nullptr;
    ledger::QueryOp* queries = nullptr;
  };
  static void finish(Lists lists);
  void hand_out();

  http::asio::io_context& io_;
  base::Mutex mutex_;
  std::vector<Lists> waiting_ CR_GUARDED_BY(mutex_);
  bool closed_ CR_GUARDED_BY(mutex_) = false;
};

// One wait of a coroutine, on its frame. Worker thread.
class LedgerWait {
 public:
  enum class End {
    answered,
    late,         // not within Settings::ledger_timeout
    reserved,     // the credit was reserved by others for as long as a request waits for it
    client_left,  // it closed its connection
    cut,          // the worker ends what still runs
  };
  LedgerWait(WorkerContext& worker, http::server::Connection& client);
  ~LedgerWait();
  LedgerWait(const LedgerWait&) = delete;
  LedgerWait& operator=(const LedgerWait&) = delete;

  // Once, one of them: resumes at the end. The operation is there again after an answer; else it is null.
  http::Task<void> reserve(std::unique_ptr<Reservation>& op);
  http::Task<void> query(std::unique_ptr<ledger::QueryOp>& op);
  End end() const { return end_; }
  // What was in its way, of one that ended as `reserved`: an operation with nothing else in it.
  ledger::ReserveOp in_the_way() const;

  void leave(End why);  // the wait ends without an answer, if it has not ended

 private:
  friend class LedgerInbox;
  friend class LedgerWaits;
  using Token = http::asio::use_awaitable_t<http::Executor>;
  using Handler = http::asio::async_result<Token, void()>::handler_type;

  template <class Submit>
  http::Task<void> suspend(Submit submit);
  void answer(std::unique_ptr<Reservation> op);
  void answer(std::unique_ptr<ledger::QueryOp> op);
  void resume();
  void detach();
  void expired();

  WorkerContext& worker_;
  http::Watch watch_;
  std::list<LedgerWait*>::iterator place_;
  std::optional<Handler> handler_;  // while it waits
  std::unique_ptr<Reservation>* reservation_ = nullptr;
  std::unique_ptr<ledger::QueryOp>* query_ = nullptr;
  ledger::ReserveOp* reserving_ = nullptr;  // away
  ledger::QueryOp* querying_ = nullptr;
  base::SteadyTime since_{};
  decltype(ledger::ReserveOp::in_the_way) in_the_way_{};
  End end_ = End::answered;
};

// What a client is told when its request cannot be recorded, or the ledger cannot be read: 503, to be sent again.
dialect::Refusal ledger_unavailable();
dialect::Refusal ledger_unreadable();

// All waits of one worker.
class LedgerWaits {
 public:
  void leave_all();
  // After the worker's thread has ended: destroys the coroutines that wait. Their operations may still come back.
  void destroy_all();

 private:
  friend class LedgerWait;
  std::list<LedgerWait*> list_;
};

}  // namespace cr::relay::request
