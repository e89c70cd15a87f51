// SPDX-License-Identifier: MIT
// Ledger: accounts, tokens, keys, channels, prices, reservations, requests, audit, in a store (engine.h; the one there
// is, is a SQLite file). One thread, the ledger thread, commits: it takes all that waits, runs one transaction, commits
// it once for all (group commit), durably, then releases the waiters. All public functions are thread-safe.
//
// Invariants:
// I1 posted >= 0, reserved >= 0; a reservation is made only while posted + reserved + it <= quota.
// I2 posted = sum of posted requests less what was refunded of them, reserved = sum of open reservations, for token,
//    account and budget window. Pruned rows count on.
// I3 a reservation has at most one ending.
// I4 nothing is sent before its reservation is durable (the waiter is released after the commit's fsync).
// I5 so an upstream's true consumption is never above posted + refunded + overrun + reserved, where it reports it and
//    the model has a price; overrun is what it counted beyond the bound that it was given.
// I6 the remaining shown on the socket, by /v1, by crctl and by SQL is the same number.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "ledger/core/directory.h"
#include "ledger/core/operations.h"
#include "ledger/core/refused_counts.h"
#include "ledger/core/store.h"
#include "token/key.h"

namespace cr::ledger {

class Engine;
class Reports;

class Ledger {
 public:
  struct Options {
    std::string path;                 // the file; its directory exists, is ours and holds no other store
    std::string head;                 // the file that tells how far the store had come, in another folder; empty = none
    bool accept_loss = false;         // go on with a store that is not what its head saw, or anew; written to the audit
    std::size_t queue_max = 65'536;   // waiting reservations; more are `unavailable`
    std::size_t backlog_max = 8'192;  // settlements not committed; with so many no request is admitted
    std::chrono::milliseconds settle_delay{5};        // how long a settlement may wait for a reservation's commit
    std::chrono::milliseconds admin_timeout{10'000};  // write(), flush(), balance(): how long they wait
    std::string key_prefix{token::k_default_key_prefix};
    std::optional<std::chrono::milliseconds> default_expiry;  // of new tokens
    std::chrono::milliseconds grace_max{std::chrono::hours(24 * 30)};
    std::chrono::milliseconds retention{std::chrono::hours(24 * 90)};  // of requests' rows; 0 = for good
    std::string_view price_list;  // a fresh store's, in share/prices.json's form; empty = that which crd is built with
    // A failed fsync: stop admitting and exit. Or, when all is over: the store's files were not there any more. Called
    // on the ledger thread.
    std::function<void()> on_fatal;
  };
  struct Recipient {
    // Called with a list of finished operations (by `next`), which are the recipient's from then on; hands it to its
    // worker in one post. On the ledger thread, but for what a full or stopped queue refuses: that is delivered from
    // within reserve() or query().
    std::function<void(ReserveOp*, QueryOp*)> deliver;
  };
  struct Counters {
    std::uint64_t commits = 0, reservations = 0, settlements = 0, waiting = 0;
    std::uint64_t failed_commits = 0;
    std::uint64_t backlog = 0;               // settlements that no commit holds yet
    std::string trouble;                     // why the store cannot commit; empty while it can
    std::uint64_t recovered = 0;             // open when crd last ended: posted at this start, flagged in_doubt
    std::uint64_t settlements_repeated = 0;  // a second ending of the same request: changed nothing
    std::uint64_t settlements_refused = 0;   // of no reservation there is: logged
    Credits overrun;
  };
  // Of the store's head, which an engine need not have.
  struct HeadState {
    std::string path;                     // empty = none is kept
    std::chrono::milliseconds behind{0};  // for how long it has not told of the newest commits that it is to tell of
    std::string trouble;                  // why it could not be written the last time
  };

  // Opens or creates the store, migrates it, posts reservations left open by a crash (flag in_doubt), loads the
  // directory, takes the file's lock. Errors name the file: `corrupt`, `unavailable` (locked by another crd, read-only,
  // full), `invalid` (newer schema, wrong master key). Never recreates a file that is there, or that the
  // head tells of. `recipients` one a worker.
  static base::Result<std::unique_ptr<Ledger>> open(Options options, token::Vault vault,
                                                    std::vector<Recipient> recipients, base::Log& log);
  // Over an engine that has started, or one of a test that keeps what it is told.
  explicit Ledger(std::unique_ptr<Engine> engine);
  ~Ledger();  // close(), and the last checkpoint
  // Works off what waits, commits, ends the ledger thread; takes as long as the store does. What is asked afterwards is
  // refused, and a settlement is lost. Main thread, once is enough.
  void close();
  void stop_reads();  // reads under way fail, and so do later ones: what takes long keeps nobody from stopping

  // --- request path (workers) ---
  void reserve(ReserveOp& op);
  // Taken whatever waits, and kept until a commit has it or the rows' own rules refuse it (settlements_refused);
  // bounded, since admits() says no when many wait.
  void settle(Settlement settlement);
  // Counts a request that was refused before anything was reserved for it. True: it is one of the first of its minute,
  // and is to be settled as well, for its row. Waits for nothing; the counts are written once a minute.
  bool count_refused(const RefusedRequest& request, RefusedCounts::Row row);
  // At a commit that holds all settlements before it; while the store cannot commit, as of the last one. Waits for that
  // commit and forces none: without settlements that wait it is answered at once, in no transaction. After close() it
  // finds nothing.
  void query(QueryOp& op);
  // Whether what a new request uses can be recorded: the store commits, the ledger thread has answered within
  // `patience`, and fewer than backlog_max settlements wait. A few atomic loads.
  bool admits(std::chrono::milliseconds patience) const;
  std::chrono::milliseconds busy_for() const;  // on one batch of work; 0 = it waits for some
  // "ready", or why admits() says no.
  std::string condition(std::chrono::milliseconds patience) const;
  // The store's clock: what ids, budgets' windows and expiry go by.
  Time now() const;
  // Whether the directory is the store's newest, as far as can be known; if not, no request is admitted. Always so
  // where this process alone changes the store.
  bool fresh() const;
  const DirectoryFeed& directory() const;
  token::Digest digest(std::string_view key) const;  // by the vault; pure
  const std::string& key_prefix() const;

  // --- administration (blocking; not for workers) ---
  // Runs `change` on the ledger thread inside the next transaction, in a savepoint of its own: an Error rolls back what
  // it did alone. Returns after the commit and after the new directory is published. With DryRun::yes it is always
  // rolled back. `timeout` after admin_timeout: either nothing was changed, or the message says that it may yet be.
  enum class DryRun { no, yes };
  base::Result<void> write(const std::function<base::Result<void>(Store&)>& change, DryRun dry_run = DryRun::no);
  // The balances of a token, as query() tells them. `unavailable` if they cannot be read, `timeout` after
  // admin_timeout.
  base::Result<BalanceQuery> balance(TokenId token);
  // Waits until everything queued before this call is committed; then a read sees it. `unavailable` if the store cannot
  // commit, `timeout` after admin_timeout.
  base::Result<void> flush();
  // Runs `query` on a read-only connection after a flush(); one at a time, and no reservation waits for it. While the
  // store cannot commit, or the ledger thread does not answer, it shows the last commit.
  base::Result<void> read(const std::function<base::Result<void>(Reports&)>& query);
  // The same on a connection for what takes long: it keeps no other read waiting.
  base::Result<void> read_at_length(const std::function<base::Result<void>(Reports&)>& query);
  void keep_requests(std::chrono::milliseconds retention);  // 0 = for good; after a reload
  Counters counters() const;
  HeadState head() const;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace cr::ledger
