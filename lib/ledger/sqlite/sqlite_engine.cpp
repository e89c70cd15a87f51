// SPDX-License-Identifier: MIT
#include "ledger/sqlite/sqlite_engine.h"

#include <sqlite3.h>
#include <unistd.h>

#include <future>
#include <utility>

#include "base/boot.h"
#include "ledger/sql/loading.h"
#include "ledger/sqlite/balances_loading.h"
#include "ledger/sqlite/recovery.h"
#include "ledger/sqlite/schema.h"
#include "ledger/sqlite/settings_watch.h"
#include "ledger/sqlite/store_head.h"

namespace cr::ledger {

using base::ErrorCode;
using base::Result;

namespace {

constexpr int k_steps_between_looks = 10'000;  // of SQLite's machine: below a millisecond

// Called by SQLite now and then while it works; not 0 ends the statement.
int interrupted(void* flag) {
  return static_cast<std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0;
}

}  // namespace

SqliteEngine::SqliteEngine(Setup setup, StoreFile file) : Engine(std::move(setup)), file_(std::move(file)) {}

Result<void> SqliteEngine::start() {
  auto prepared = Balances::prepare(file_.writer);
  if (!prepared) return tl::unexpected(prepared.error());
  balances_ = std::move(*prepared);
  holders_.emplace(*balances_);
  store_.emplace(SqlSession(file_.writer), *holders_, vault(), options(), clock());
  if (auto begun = begin_settings(); !begun) return begun;
  const Time at = now();
  SqlSession other(file_.reader);
  auto keys = load(*store_, other, at);
  if (!keys) return tl::unexpected(keys.error());
  // Balances go by the directory's tokens, not by their keys. Whatever is returned, this has ended then.
  auto put = std::async(std::launch::async, [&] { put_keys(*store_, std::move(*keys)); });
  const auto found_open =
      recover(file_.writer, {at, file_.locked_boot_ms, base::boot_identity()}, [this] { return write_sum(); });
  if (!found_open) return tl::unexpected(found_open.error());
  recovered_ = static_cast<std::uint64_t>(*found_open);
  if (recovered_ > 0) {
    log().warning("requests were open when crd ended: posted with what they can have come to, flagged in_doubt",
                  {{"requests", std::to_string(recovered_)}});
  }
  if (auto done = load_balances(store_->sql, store_->directory, *balances_); !done) return done;
  put.get();
  feed().publish(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(store_->directory)));
  if (auto begun = begin_head(); !begun) return begun;
  store_->settings.committed();
  for (Reader* reader : {&quick_, &lengthy_}) {
    const base::MutexLock lock(reader->mutex);
    if (auto shown = show_settings_rows(reader->db, vault()); !shown) return shown;
    reader->reports.emplace(SqlSession(reader->db), vault(), clock());
    sqlite3_progress_handler(reader->db.raw(), k_steps_between_looks, interrupted, &reads_stopped_);
  }
  auto started =
      LedgerThread::start({&options(), &clock(), &recipients(), &log(), &queue(), &refused(), &writable_status(),
                           &feed(), &file_.writer, &file_.watch, head_.get(), &*balances_, &*store_});
  if (!started) return tl::unexpected(started.error());
  thread_ = std::move(*started);
  return {};
}

void SqliteEngine::close() {
  thread_->end();
  if (head_) head_->end();
}

// Whatever changes a row of settings from here on is followed: the first is what recovery and newer prices do.
Result<void> SqliteEngine::begin_settings() {
  SettingsSum& sum = store_->settings;
  auto done = show_settings_rows(file_.writer, vault());
  if (done) done = sum.load(store_->sql);
  if (done && options().accept_loss) done = accept_settings();
  if (done && !sum.known()) {
    log().error("the sum of the settings is missing or was altered, and is not followed: see 'crctl audit verify'");
  }
  if (done) done = watch_settings(file_.writer, sum);
  if (done && file_.sum_begun && sum.known()) {
    done = note("store.settings_begun", "from here on a change of settings beside crd is found", "a newer crd");
  }
  if (done) done = refresh_shipped_prices(file_.writer, options().price_list, [this] { return write_sum(); });
  return done;
}

// Somebody says that what the rows are now is what they are to be.
Result<void> SqliteEngine::accept_settings() {
  SettingsSum& sum = store_->settings;
  const auto rows = sum_of_rows(store_->sql);
  if (!rows) return tl::unexpected(rows.error());
  if (sum.known() && sum.now().parts == *rows) return {};
  std::string changed;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (sum.known() && (*rows)[i] == sum.now().parts[i]) continue;
    changed += (changed.empty() ? "" : ", ") + std::string(k_settings_parts[i]);
  }
  if (auto begun = sum.begin(store_->sql); !begun) return begun;
  log().warning("settings that were changed beside crd were accepted", {{"tables", changed}});
  return note("store.settings_accepted", "changed beside crd, in these tables: " + changed, "crd --accept-loss");
}

// An entry of crd's own.
Result<void> SqliteEngine::note(std::string_view action, const std::string& detail, const std::string& reason) {
  auto transaction = sqlite::Transaction::begin(file_.writer);
  if (!transaction) return tl::unexpected(transaction.error());
  const Actor self{.pid = getpid(), .uid = geteuid(), .gid = getegid(), .reason = reason};
  auto done = store_->audit(self, action, "store", detail);
  if (done) done = write_sum();
  return done ? transaction->commit() : done;
}

// In the transaction that changed something, before crd serves. The head's number is raised with it, which a head that
// is not written yet must not be taken for.
Result<void> SqliteEngine::write_sum() {
  const auto written = store_->settings.write(store_->sql);
  if (!written) return tl::unexpected(written.error());
  return *written ? store_->sql.run("UPDATE meta SET value = value + 1 WHERE key = 'head_seq'") : Result<void>();
}

// Before anything is served: a store without a head on the disk would be one whose loss nobody sees.
Result<void> SqliteEngine::begin_head() {
  SqlSession& sql = store_->sql;
  if (options().head.empty()) {
    log().info("no head of the store is kept: the loss of its newest commits would go unseen");
    return forget_head(sql);
  }
  auto transaction = sqlite::Transaction::begin(file_.writer);
  if (!transaction) return tl::unexpected(transaction.error());
  auto head = raise_head(sql, now(), file_.head ? file_.head->seq : 0);
  if (!head) return tl::unexpected(head.error());
  if (!file_.accepted.empty()) {
    log().warning("a loss of the store was accepted: " + file_.accepted);
    const Actor self{.pid = getpid(), .uid = geteuid(), .gid = getegid(), .reason = "crd --accept-loss"};
    if (auto done = store_->audit(self, "store.loss_accepted", "store", file_.accepted); !done) return done;
    if (auto done = write_sum(); !done) return done;
    head = raise_head(sql, now(), head->seq);
    if (!head) return tl::unexpected(head.error());
  }
  if (auto done = transaction->commit(); !done) return done;
  if (auto made = make_head_folder(options().head); !made) return made;
  if (auto saved = save_head(options().head, *head, vault()); !saved) return saved;
  head_ = std::make_unique<HeadKeeper>(options().head, vault(), log(), std::move(*head));
  return {};
}

Ledger::HeadState SqliteEngine::head() const {
  return head_ ? head_->state() : Ledger::HeadState();
}

Result<void> SqliteEngine::write(const AdminJob::Change& change, Ledger::DryRun dry_run) {
  return ask(std::make_shared<AdminJob>(&change, dry_run), "change the store");
}

Result<void> SqliteEngine::read(const std::function<Result<void>(Reports&)>& query, Reading reading) {
  Reader& reader = reading == Reading::quick ? quick_ : lengthy_;
  const base::MutexLock lock(reader.mutex);
  if (reads_stopped_) return base::fail(ErrorCode::unavailable, "read the store: crd is stopping");
  if (head_) reader.reports->seen = head_->seen();
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

void SqliteEngine::keep_requests(std::chrono::milliseconds retention) {
  thread_->keep_requests(retention);
}

Ledger::Counters SqliteEngine::counters() const {
  Ledger::Counters counters = Engine::counters();
  counters.recovered = recovered_;
  return counters;
}

Result<std::unique_ptr<Ledger>> Ledger::open(Options options, token::Vault vault, std::vector<Recipient> recipients,
                                             base::Log& log) {
  auto file = StoreFile::open(options, vault);
  if (!file) return tl::unexpected(file.error());
  const std::string path = options.path;
  auto engine = std::make_unique<SqliteEngine>(
      Engine::Setup{std::move(options), std::move(vault), std::move(recipients), log}, std::move(*file));
  if (auto started = engine->start(); !started) {
    base::Error error = started.error();
    if (error.message.find(path) == std::string::npos) error.message = "open store " + path + ": " + error.message;
    return tl::unexpected(std::move(error));
  }
  return std::unique_ptr<Ledger>(new Ledger(std::move(engine)));
}

}  // namespace cr::ledger
