// SPDX-License-Identifier: MIT
#include "ledger/ledger.h"

#include "ledger/ledger_thread.h"
#include "ledger/loading.h"
#include "ledger/recovery.h"
#include "ledger/reports_state.h"
#include "ledger/store_file.h"

namespace cr::ledger {

using base::ErrorCode;
using base::Result;

// Ends in reverse: the thread first, which works off what waits; the file last.
struct Ledger::Impl {
  Impl(Options the_options, token::Vault the_vault, std::vector<Lane> the_lanes, base::Log& the_log, StoreFile the_file)
      : options(std::move(the_options)),
        vault(std::move(the_vault)),
        lanes(std::move(the_lanes)),
        log(the_log),
        file(std::move(the_file)) {}

  Result<void> start();

  Options options;
  token::Vault vault;
  std::vector<Lane> lanes;
  base::Log& log;
  StoreFile file;
  std::optional<Balances> balances;
  std::optional<Store::Impl> store;
  std::optional<DirectoryFeed> feed;
  // Each on a connection of its own.
  struct Reader {
    explicit Reader(sqlite::Database& its_db) : db(its_db) {}
    sqlite::Database& db;
    std::mutex mutex;
    std::optional<Reports::Impl> reports;
  };
  Result<void> read(Reader& reader, const std::function<Result<void>(Reports&)>& query);
  Reader quick{file.reader}, lengthy{file.long_reader};
  std::unique_ptr<LedgerThread> thread;
  std::uint64_t recovered = 0;
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
  store.emplace(file.writer, *balances, vault, options);
  if (auto loaded = load(*store); !loaded) return loaded;
  feed.emplace(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(store->directory)));
  for (Reader* reader : {&quick, &lengthy}) reader->reports.emplace(reader->db, vault);
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
Ledger::~Ledger() = default;

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
  AdminJob job(&change, dry_run);
  if (!impl_->thread->queue().push(job)) return base::fail(ErrorCode::unavailable, "change the store: crd is stopping");
  return job.get();
}

Result<void> Ledger::flush() {
  AdminJob job;
  if (!impl_->thread->queue().push(job)) return base::fail(ErrorCode::unavailable, "flush the store: crd is stopping");
  return job.get();
}

Result<void> Ledger::Impl::read(Reader& reader, const std::function<Result<void>(Reports&)>& query) {
  const std::lock_guard lock(reader.mutex);
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
  if (auto flushed = flush(); !flushed && flushed.error().code != ErrorCode::unavailable) return flushed;
  return impl_->read(impl_->quick, query);
}

Result<void> Ledger::read_at_length(const std::function<Result<void>(Reports&)>& query) {
  if (auto flushed = flush(); !flushed && flushed.error().code != ErrorCode::unavailable) return flushed;
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
