// SPDX-License-Identifier: MIT
#include "ledger/sqlite/ledger_thread.h"

#include <algorithm>
#include <exception>

namespace cr::ledger {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::steady_now;
using std::chrono::milliseconds;

constexpr milliseconds k_idle{1000};
constexpr milliseconds k_look{1000};     // at the store's files
constexpr milliseconds k_prune_pace{5};  // between steps of idle times

}  // namespace

LedgerThread::LedgerThread(const Parts& parts)
    : parts_(parts),
      checkpoint_(*parts.db),
      responses_(*parts.db),
      chores_(*parts.db, *parts.balances, responses_, parts.store->settings, *parts.refused),
      draft_(parts.store->directory, *parts.feed),
      deliveries_(*parts.recipients) {
  parts_.status->set_overrun(parts.balances->overrun());
  chores_.keep_requests(parts.options->retention);
}

Result<std::unique_ptr<LedgerThread>> LedgerThread::start(const Parts& parts) {
  std::unique_ptr<LedgerThread> made(new LedgerThread(parts));
  if (auto prepared = made->prepare(); !prepared) return tl::unexpected(prepared.error());
  made->thread_ = std::thread([raw = made.get()] { raw->run(); });
  return made;
}

Result<void> LedgerThread::prepare() {
  return sqlite::Statement::prepare_all(*parts_.db, {{&begin_, "BEGIN IMMEDIATE"}, {&commit_, "COMMIT"}});
}

LedgerThread::~LedgerThread() {
  end();
}

void LedgerThread::end() {
  if (!thread_.joinable()) return;
  parts_.queue->stop();
  thread_.join();
}

void LedgerThread::run() {
  Batch batch;
  for (bool stop = false; !stop;) {
    const WorkQueue::Woken woken = parts_.queue->take(batch, patience());
    parts_.status->begin_work();
    stop = batch.stop;
    work_off(batch, woken);
    const auto pace = chores_.more_to_prune() ? Checkpoint::Pace::scattered : Checkpoint::Pace::usual;
    checkpoint_if(woken == WorkQueue::Woken::idle ? checkpoint_.any() : checkpoint_.due(pace));
    if (!stop) parts_.status->end_work();
  }
  last_words();
  parts_.status->end_work();
}

WorkQueue::Patience LedgerThread::patience() const {
  WorkQueue::Patience patience;
  if (!fatal_ && (retry_.is_failing() || !pending_.empty())) {
    patience.retry_at = retry_.at().value_or(settle_by_);
  }
  patience.lively = lively_;
  if (fatal_) return patience;
  patience.idle_after = chores_.more_to_prune() ? k_prune_pace : k_idle;
  return patience;
}

void LedgerThread::work_off(Batch& batch, WorkQueue::Woken woken) {
  look_at_files();
  absorb(batch, woken);
  lively_ = !batch.reserves.empty();
  answer_without_reservation(batch);
  const bool needed = needs_transaction(batch, woken);
  if (needed && may_try()) {
    if (auto done = whole_ ? transact(batch) : whole_; done) {
      committed();
    } else {
      failed(batch, done.error());
    }
  } else if (needed) {
    refuse(batch, last_error_);
  }
  deliver(batch);
  batch.reserves = {};
  batch.queries = {};
  batch.jobs.clear();
  batch.stop = false;
}

void LedgerThread::look_at_files() {
  const auto now = steady_now();
  const bool tries_again = retry_.is_failing() && retry_.may_try(now);
  if (now < look_due_ && !tries_again) return;
  look_due_ = now + k_look;
  whole_ = parts_.watch->look();
}

void LedgerThread::absorb(Batch& batch, WorkQueue::Woken woken) {
  if (pending_.empty()) {
    std::swap(pending_, batch.settlements);
    settle_by_ = steady_now();
    // What they give back is waited for.
    const bool at_once = woken == WorkQueue::Woken::settlements_due || !waiting_.empty();
    if (!at_once) settle_by_ += parts_.options->settle_delay;
    return;
  }
  std::move(batch.settlements.begin(), batch.settlements.end(), std::back_inserter(pending_));
  batch.settlements.clear();
}

// What reserves nothing need not wait for a disk.
void LedgerThread::answer_without_reservation(Batch& batch) {
  OpList<ReserveOp> rest;
  bool any = false;
  for (ReserveOp* op = batch.reserves.head; op != nullptr;) {
    ReserveOp* const next = op->next;
    if (const auto outcome = fatal_ ? ReserveOutcome::unavailable : parts_.balances->decide_without_reservation(*op)) {
      op->outcome = *outcome;
      deliveries_.add(*op);
      any = true;
    } else {
      rest.push(*op);
    }
    op = next;
  }
  batch.reserves = rest;
  if (any) deliveries_.release();
}

bool LedgerThread::needs_transaction(const Batch& batch, WorkQueue::Woken woken) const {
  if (!batch.reserves.empty() || !whole_) return true;
  const auto now = steady_now();
  if (retry_.is_failing() && retry_.may_try(now)) return true;  // whether the store can commit again
  const bool unwritten = !pending_.empty() || chores_.any();
  if (!pending_.empty() && (batch.stop || now >= settle_by_)) return true;
  const bool untold = parts_.head != nullptr && parts_.head->due(now);
  if (woken == WorkQueue::Woken::idle && (unwritten || untold || chores_.due(now))) return true;
  return std::any_of(batch.jobs.begin(), batch.jobs.end(),
                     [&](const auto& job) { return job->has_change() || unwritten || chores_.any_refused(); });
}

bool LedgerThread::may_try() const {
  return !fatal_ && (!retry_.is_failing() || retry_.may_try(steady_now()));
}

Result<void> LedgerThread::transact(Batch& batch) {
  uncommitted_ = {};
  if (auto done = begin_.run(); !done) return done;
  if (retry_.is_failing()) {
    if (auto done = write_probe(); !done) return done;
  }
  if (auto done = settle_all(); !done) return done;
  if (auto done = run_jobs(batch); !done) return done;
  if (auto done = reserve_all(batch); !done) return done;
  if (auto done = write_balances(batch); !done) return done;
  if (auto done = raise_head(batch); !done) return done;
  return commit_.run();
}

// A commit that writes nothing says nothing of the store, and SQLite does not write a row that is what it was.
Result<void> LedgerThread::write_probe() {
  return parts_.store->sql.run(
      "INSERT INTO meta (key, value) VALUES ('retried_at', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1",
      static_cast<std::int64_t>(steady_now().time_since_epoch().count()));
}

Result<void> LedgerThread::settle_all() {
  for (const Settlement& settlement : pending_) {
    const auto settled = parts_.balances->settle(settlement);
    if (settled && *settled == Balances::Settled::done) {
      ++uncommitted_.settlements;
      if (settlement.stored.id.empty()) continue;
      if (auto kept = responses_.keep(settlement); !kept) return kept;
    } else if (settled && *settled == Balances::Settled::repeated) {
      ++uncommitted_.settlements_repeated;
    } else if (settled) {
      refuse_settlement(settlement, "there is no such reservation");
    } else if (settled.error().code == ErrorCode::conflict && parts_.db->in_transaction()) {
      // The rows' own rules refuse it, and would each time: kept, it would stop all others. Its reservation stays open,
      // and is posted at the next start.
      refuse_settlement(settlement, settled.error().message);
    } else {
      return tl::unexpected(settled.error());
    }
  }
  return parts_.balances->sums().write_notes();
}

void LedgerThread::refuse_settlement(const Settlement& settlement, const std::string& why) {
  ++uncommitted_.settlements_refused;
  parts_.log->error("settlement refused: " + why, {{"request", settlement.facts.id.to_string()}});
}

Result<void> LedgerThread::run_jobs(Batch& batch) {
  for (const auto& job : batch.jobs) {
    if (!job->has_change()) continue;
    if (auto done = run_job(*job); !done) return done;
  }
  draft_.look();
  return {};
}

// In a savepoint of its own: an error of one change takes back that change alone.
Result<void> LedgerThread::run_job(AdminJob& job) {
  SqlSession& sql = parts_.store->sql;
  // Budgets first: if the change is taken back, their rows are what memory is read from again.
  if (auto done = parts_.balances->budgets().write_touched(); !done) return done;
  if (auto done = sql.run("SAVEPOINT change"); !done) return done;
  const Directory::Impl directory_before = parts_.store->directory;
  const SettingsState settings_before = parts_.store->settings.now();
  const std::size_t undo_mark = parts_.balances->undo_mark();
  Store store(*parts_.store);
  job.run(store);
  if (!job.thrown.empty()) parts_.log->error("a change of the store threw an exception", {{"reason", job.thrown}});
  if (!parts_.db->in_transaction()) {  // SQLite itself gave up on the whole transaction
    if (job.result) job.result = base::fail(ErrorCode::internal, "change the store: the transaction was lost");
    return job.result;
  }
  if (!job.result || job.dry_run()) {
    if (auto done = sql.run("ROLLBACK TO change"); !done) return done;
    parts_.store->directory = directory_before;
    parts_.store->settings.put_back(settings_before);
    parts_.balances->undo_to(undo_mark);
  }
  return sql.run("RELEASE change");
}

Result<void> LedgerThread::reserve(ReserveOp& op) {
  op.outcome = ReserveOutcome::unavailable;
  if (op.abandoned()) return {};
  auto reserved = parts_.balances->reserve(op);
  if (reserved) {
    if (op.outcome == ReserveOutcome::reserved && op.lost == Credits()) ++uncommitted_.reservations;
    return {};
  }
  if (reserved.error().code != ErrorCode::conflict || !parts_.db->in_transaction()) return reserved;
  op.outcome = ReserveOutcome::unavailable;
  op.amount = Credits();
  parts_.log->error("reservation refused: " + reserved.error().message, {{"request", op.facts.id.to_string()}});
  return {};
}

// Those that wait come first; one of a token of which others wait already goes behind them.
Result<void> LedgerThread::reserve_all(Batch& batch) {
  OpList<ReserveOp> decided;
  auto done = waiting_.retry([this](ReserveOp& op) { return reserve(op); }, decided);
  for (ReserveOp* op = batch.reserves.head; op != nullptr;) {
    ReserveOp* const next = op->next;
    const bool behind = op->may_wait && waiting_.has_before(*op);
    if (done && !behind) done = reserve(*op);
    const bool waits = op->may_wait && (behind || op->outcome == ReserveOutcome::credit_reserved);
    if (done && waits && waiting_.add(*op)) {
      op->begin_to_wait();
    } else {
      decided.push(*op);
    }
    op = next;
  }
  batch.reserves = decided;
  return done;
}

Result<void> LedgerThread::write_balances(const Batch& batch) {
  if (auto done = parts_.balances->write_touched(); !done) return done;
  const bool requests = !batch.reserves.empty() || !pending_.empty();
  return chores_.run({requests, !batch.jobs.empty(), batch.stop});
}

// The settings' sum before it, which it tells of.
Result<void> LedgerThread::raise_head(const Batch& batch) {
  const bool changes =
      std::any_of(batch.jobs.begin(), batch.jobs.end(), [](const auto& job) { return job->has_change(); });
  if (changes || parts_.store->settings.is_changed()) {
    if (auto done = parts_.store->settings.write(parts_.store->sql); !done) return tl::unexpected(done.error());
  }
  if (parts_.head == nullptr) return {};
  const auto beside = batch.stop ? HeadKeeper::Beside::last
                      : changes  ? HeadKeeper::Beside::changes
                                 : HeadKeeper::Beside::requests;
  return parts_.head->raise(parts_.store->sql, beside, parts_.clock->now());
}

void LedgerThread::committed() {
  if (parts_.head != nullptr) parts_.head->committed();
  report_overrun();
  parts_.store->settings.committed();
  parts_.balances->committed(chores_.marks());
  chores_.committed(uncommitted_.settlements);
  parts_.queue->committed(pending_.size());
  pending_.clear();
  if (retry_.committed() && whole_) {
    parts_.log->info("the store can commit again");
    parts_.status->set_trouble({});
  }
  draft_.committed();
  parts_.status->count_commit(uncommitted_, parts_.balances->overrun());
}

// It should never happen: a provider counted more than the bound it was given. Somebody should look.
void LedgerThread::report_overrun() {
  for (const Balances::Overrun& overrun : parts_.balances->overruns()) {
    parts_.log->error("a request cost more than was reserved for it: the rest is in 'overrun', charged to nobody",
                      {{"request_id", overrun.id.to_string()}, {"overrun", overrun.amount.to_decimal()}});
  }
}

void LedgerThread::failed(Batch& batch, const Error& error) {
  const bool fatal = is_sync_failure(*parts_.db);
  if (parts_.db->in_transaction()) {
    // Should it fail too, the next BEGIN says so.
    if (auto done = parts_.db->execute("ROLLBACK"); !done) parts_.log->error(done.error().message);
  }
  parts_.balances->rolled_back();
  parts_.store->settings.rolled_back();
  draft_.rolled_back();
  const bool first = !retry_.is_failing();
  last_error_ = {ErrorCode::unavailable, "the store cannot commit: " + error.message, error.hint};
  retry_.failed(steady_now());
  parts_.status->count_failure();
  parts_.status->set_trouble(error.message);
  if (first) {  // who reads it finds that it is so
    parts_.log->error(last_error_.message + (whole_ ? std::string() : ": no request is taken; " + error.hint));
  }
  if (fatal) be_fatal(error);
  refuse(batch, last_error_);
}

void LedgerThread::refuse(Batch& batch, const Error& error) {
  for (ReserveOp* op = batch.reserves.head; op != nullptr; op = op->next) {
    op->outcome = ReserveOutcome::unavailable;
    op->amount = Credits();
  }
  for (const auto& job : batch.jobs) {
    if (job->result) job->result = tl::unexpected(error);
  }
}

void LedgerThread::deliver(Batch& batch) {
  for (ReserveOp* op = batch.reserves.head; op != nullptr;) {
    ReserveOp* const next = op->next;
    deliveries_.add(*op);
    op = next;
  }
  waiting_queries_.append(batch.queries);
  // A balance is shown as the next reservation would see it: with all that was settled before in it, at a commit.
  if (pending_.empty() || retry_.is_failing() || fatal_) answer_queries();
  deliveries_.release();
  for (const auto& job : batch.jobs) job->finish();
}

void LedgerThread::answer_queries() {
  for (QueryOp* op = std::exchange(waiting_queries_, {}).head; op != nullptr;) {
    QueryOp* const next = op->next;
    answer(*op);
    deliveries_.add(*op);
    op = next;
  }
}

void LedgerThread::answer(QueryOp& op) {
  auto* const balance = std::get_if<BalanceQuery>(&op.query);
  const auto done = balance != nullptr ? parts_.balances->answer(*balance, parts_.clock->now())
                                       : responses_.find(std::get<StoredResponseQuery>(op.query));
  if (!done) op.readable = false;
}

void LedgerThread::checkpoint_if(bool due) {
  if (!due || fatal_ || !whole_) return;
  const auto done = checkpoint_.run();
  if (done) return;
  parts_.log->error(done.error().message);
  if (is_sync_failure(*parts_.db)) be_fatal(done.error());
}

void LedgerThread::be_fatal(const Error& error) {
  fatal_ = true;
  parts_.status->set_trouble("a sync failed: " + error.message);
  Checkpoint::forbid_at_close(*parts_.db);
  last_error_ = {ErrorCode::unavailable, "the store failed to sync: " + error.message,
                 "look at the disk; crd recovers at its next start"};
  parts_.log->error("the store failed to sync, and what the disk has is unknown: stopping: " + error.message);
  if (parts_.options->on_fatal) parts_.options->on_fatal();
}

void LedgerThread::last_words() {
  Batch batch;
  parts_.queue->take(batch, {});  // settlements that came since; nothing else is taken any more
  absorb(batch, WorkQueue::Woken::work);
  whole_ = parts_.watch->look();
  const bool untold = parts_.head != nullptr && parts_.head->dirty();
  if (!fatal_ && (!pending_.empty() || chores_.any() || chores_.any_refused() || untold)) {
    batch.stop = true;
    if (auto done = transact(batch); done) {
      committed();
    } else {
      failed(batch, done.error());
    }
  }
  answer_queries();
  batch.reserves = waiting_.take_all();
  refuse(batch, last_error_);
  deliver(batch);
  if (!whole_) leave_lost_files();
  if (pending_.empty()) return;
  parts_.log->error("settlements were lost with the store: what they had reserved is posted at the next start",
                    {{"settlements", std::to_string(pending_.size())}});
}

// What is open got all that was to be written: it may come back. Another file in its place is left as it is.
void LedgerThread::leave_lost_files() {
  parts_.log->error("the store's files were removed or replaced while crd ran: " + whole_.error().message);
  if (!parts_.watch->has_file()) Checkpoint::forbid_at_close(*parts_.db);
  if (parts_.watch->has_another()) {
    if (auto done = parts_.watch->set_log_aside(); !done) parts_.log->error(done.error().message);
  }
  if (parts_.options->on_fatal) parts_.options->on_fatal();
}

}  // namespace cr::ledger
