// SPDX-License-Identifier: MIT
#include "ledger/core/ledger.h"

#include <sqlite3.h>

#include <condition_variable>

#include "base/mutex.h"
#include "base/text.h"
#include "ledger/sql/loading.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sqlite/balance_changes.h"
#include "ledger/sqlite/balances_loading.h"
#include "ledger/sqlite/ledger_thread.h"
#include "ledger/sqlite/recovery.h"
#include "ledger/sqlite/store_file.h"

namespace cr::ledger {

using base::ErrorCode;
using base::Result;

namespace {

constexpr int k_steps_between_looks = 10'000;  // of SQLite's machine: below a millisecond

// Called by SQLite now and then while it works; not 0 ends the statement.
int interrupted(void* flag) {
  return static_cast<std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0;
}

// A look-up that an admin thread waits for. Kept alive by itself while the ledger has it: who waits may leave first.
struct AwaitedLook {
  LookOp op;
  std::shared_ptr<AwaitedLook> kept_by_ledger;
  base::Mutex mutex;
  std::condition_variable changed;
  bool finished CR_GUARDED_BY(mutex) = false;

  static void finish_all(LookOp* first) {
    for (LookOp* op = first; op != nullptr;) {
      LookOp* const next = op->next;
      auto& look = *static_cast<AwaitedLook*>(op->waiter);
      const auto kept = std::move(look.kept_by_ledger);
      const base::MutexLock lock(look.mutex);
      look.finished = true;
      look.changed.notify_all();
      op = next;
    }
  }
};

// What a flush may fail by and a read still has something to show.
bool shows_last_commit(const base::Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout;
}

}  // namespace

// Ends in reverse: the thread first, which works off what waits; the file last.
struct Ledger::Impl {
  Impl(Options the_options, token::Vault the_vault, std::vector<Lane> the_lanes, base::Log& the_log, StoreFile the_file)
      : options(std::move(the_options)),
        vault(std::move(the_vault)),
        lanes(std::move(the_lanes)),
        admin_lane(static_cast<std::uint32_t>(lanes.size())),
        log(the_log),
        file(std::move(the_file)) {
    lanes.push_back({[](ReserveOp*, LookOp* looks) { AwaitedLook::finish_all(looks); }});
  }

  Result<void> start();

  Options options;
  token::Vault vault;
  std::vector<Lane> lanes;  // the workers', and one for the admin threads
  const std::uint32_t admin_lane;
  base::Log& log;
  StoreFile file;
  std::optional<Balances> balances;
  std::optional<BalanceChanges> holders;
  std::optional<Store::Impl> store;
  std::optional<DirectoryFeed> feed;
  // Each on a connection of its own.
  struct Reader {
    explicit Reader(sqlite::Database& its_db) : db(its_db) {}
    sqlite::Database& db;
    base::Mutex mutex;
    std::optional<Reports::Impl> reports CR_GUARDED_BY(mutex);
  };
  Result<void> ask(std::shared_ptr<AdminJob> job, std::string_view doing);
  Result<void> read(Reader& reader, const std::function<Result<void>(Reports&)>& query);
  Reader quick{file.reader}, lengthy{file.long_reader};
  std::unique_ptr<LedgerThread> thread;
  std::uint64_t recovered = 0;
  std::atomic<bool> reads_stopped{false};
};

Result<void> Ledger::Impl::start() {
  const auto found_open = recover(file.writer);
  if (!found_open) return tl::unexpected(found_open.error());
  recovered = static_cast<std::uint64_t>(*found_open);
  if (recovered > 0) {
    log.warning("requests were open when crd ended: posted whole, flagged in_doubt",
                {{"requests", std::to_string(recovered)}});
  }
  auto prepared = Balances::prepare(file.writer);
  if (!prepared) return tl::unexpected(prepared.error());
  balances = std::move(*prepared);
  holders.emplace(*balances);
  store.emplace(SqlSession(file.writer), *holders, vault, options);
  if (auto loaded = load_balances(store->sql, *balances); !loaded) return loaded;
  if (auto loaded = load(*store); !loaded) return loaded;
  feed.emplace(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(store->directory)));
  for (Reader* reader : {&quick, &lengthy}) {
    const base::MutexLock lock(reader->mutex);
    reader->reports.emplace(SqlSession(reader->db), vault);
    sqlite3_progress_handler(reader->db.raw(), k_steps_between_looks, interrupted, &reads_stopped);
  }
  auto started = LedgerThread::start({&options, &lanes, &log, &file.writer, &*balances, &*store, &*feed});
  if (!started) return tl::unexpected(started.error());
  thread = std::move(*started);
  return {};
}

Result<std::unique_ptr<Ledger>> Ledger::open(Options options, token::Vault vault, std::vector<Lane> lanes,
                                             base::Log& log) {
  auto file = StoreFile::open(options.path, vault);
  if (!file) return tl::unexpected(file.error());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(vault), std::move(lanes), log, std::move(*file));
  if (auto started = impl->start(); !started) {
    base::Error error = started.error();
    const std::string& path = impl->options.path;
    if (error.message.find(path) == std::string::npos) error.message = "open store " + path + ": " + error.message;
    return tl::unexpected(std::move(error));
  }
  return std::unique_ptr<Ledger>(new Ledger(std::move(impl)));
}

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() {
  close();
}

void Ledger::close() {
  impl_->thread->end();
}

void Ledger::stop_reads() {
  impl_->reads_stopped = true;
}

bool Ledger::admits(std::chrono::milliseconds patience) const {
  return impl_->thread->admits(patience);
}

std::string Ledger::condition(std::chrono::milliseconds patience) const {
  const auto counters = impl_->thread->counters();
  if (const auto busy = busy_for(); busy > patience) {
    return "the ledger thread has not answered for " + base::format_duration(busy) + ": look at the disk";
  }
  if (!counters.trouble.empty()) return "the store cannot commit: " + counters.trouble;
  if (admits(patience)) return "ready";
  return "too many settlements wait for a commit: " + std::to_string(counters.backlog);
}

std::chrono::milliseconds Ledger::busy_for() const {
  return impl_->thread->busy_for();
}

void Ledger::reserve(ReserveOp& op) {
  if (impl_->thread->queue().push(op)) return;
  op.outcome = ReserveOutcome::unavailable;
  op.amount = Credits();
  op.next = nullptr;
  impl_->lanes[op.lane].deliver(&op, nullptr);
}

void Ledger::settle(Settlement settlement) {
  impl_->thread->queue().push(std::move(settlement));
}

void Ledger::look(LookOp& op) {
  if (impl_->thread->queue().push(op)) return;
  op.found = false;
  op.next = nullptr;
  impl_->lanes[op.lane].deliver(nullptr, &op);
}

Result<LookOp> Ledger::look(TokenId token) {
  constexpr std::string_view k_doing = "read the balances";
  const auto patience = impl_->options.admin_timeout;
  if (impl_->thread->busy_for() > patience) return tl::unexpected(AdminJob::not_answered(k_doing));
  const auto look = std::make_shared<AwaitedLook>();
  look->op.token = token;
  look->op.lane = impl_->admin_lane;
  look->op.waiter = look.get();
  look->kept_by_ledger = look;
  if (!impl_->thread->queue().push(look->op)) {
    look->kept_by_ledger.reset();
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": crd is stopping");
  }
  base::MutexLock lock(look->mutex);
  if (!look->changed.wait_for(lock.native(), patience, [&]() CR_REQUIRES(look->mutex) { return look->finished; }))
    return tl::unexpected(AdminJob::not_answered(k_doing));
  if (!look->op.readable)
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": the store cannot be read");
  return std::move(look->op);
}

const DirectoryFeed& Ledger::directory() const {
  return *impl_->feed;
}
token::Digest Ledger::digest(std::string_view key) const {
  return impl_->vault.digest(key);
}
const std::string& Ledger::key_prefix() const {
  return impl_->options.key_prefix;
}

Result<void> Ledger::write(const std::function<Result<void>(Store&)>& change, DryRun dry_run) {
  return impl_->ask(std::make_shared<AdminJob>(&change, dry_run), "change the store");
}

Result<void> Ledger::flush() {
  return impl_->ask(std::make_shared<AdminJob>(), "flush the store");
}

Result<void> Ledger::Impl::ask(std::shared_ptr<AdminJob> job, std::string_view doing) {
  // Where the ledger thread has not answered for so long, one more would only wait as long in vain.
  if (thread->busy_for() > options.admin_timeout) return tl::unexpected(AdminJob::not_answered(doing));
  if (!thread->queue().push(job)) return base::fail(ErrorCode::unavailable, std::string(doing) + ": crd is stopping");
  return job->wait(options.admin_timeout);
}

Result<void> Ledger::Impl::read(Reader& reader, const std::function<Result<void>(Reports&)>& query) {
  const base::MutexLock lock(reader.mutex);
  if (reads_stopped) return base::fail(ErrorCode::unavailable, "read the store: crd is stopping");
  // One transaction: every number of a report is of the same commit.
  if (auto begun = reader.db.execute("BEGIN"); !begun) return begun;
  struct End {
    sqlite::Database& db;
    ~End() {
      // Nothing was written, so that this cannot lose anything.
      if (db.in_transaction()) static_cast<void>(db.execute("ROLLBACK"));
    }
  } end{reader.db};
  Reports reports(*reader.reports);
  return query(reports);
}

Result<void> Ledger::read(const std::function<Result<void>(Reports&)>& query) {
  if (auto flushed = flush(); !flushed && !shows_last_commit(flushed.error())) return flushed;
  return impl_->read(impl_->quick, query);
}

Result<void> Ledger::read_at_length(const std::function<Result<void>(Reports&)>& query) {
  if (auto flushed = flush(); !flushed && !shows_last_commit(flushed.error())) return flushed;
  return impl_->read(impl_->lengthy, query);
}

void Ledger::keep_requests(std::chrono::milliseconds retention) {
  impl_->thread->pruning().keep(retention);
}

Ledger::Counters Ledger::counters() const {
  Counters counters = impl_->thread->counters();
  counters.recovered = impl_->recovered;
  return counters;
}

}  // namespace cr::ledger
