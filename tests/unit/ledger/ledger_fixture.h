// SPDX-License-Identifier: MIT
// LedgerFixture: a real ledger on a real file in a temporary folder, and blocking forms of its asynchronous operations.
#pragma once

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "ledger/core/ledger.h"
#include "ledger/core/reports.h"
#include "sqlite/database.h"

namespace cr::ledger {

constexpr std::int64_t k_dollar = 1'000'000'000;

inline Credits dollars(std::int64_t count) {
  return Credits::from_nano(count * k_dollar);
}
inline token::Vault vault_of(char byte = 'a') {
  return std::move(*token::Vault::make(base::Secret(std::string(token::Vault::k_master_bytes, byte))));
}

// For tests that make or open hundreds of stores: most of a start is the shipped prices.
inline constexpr std::string_view k_few_prices =
    R"({"models": [{"model": "gpt-4o-mini", "input": "0.15", "output": "0.6"}, {"model": "m", "input": "1", "output": "2"}]})";

// A recipient whose waiters block.
class Waiters {
 public:
  Ledger::Recipient recipient() {
    return {[this](ReserveOp* reserves, QueryOp* queries) {
      const std::lock_guard lock(mutex_);
      for (; reserves != nullptr; reserves = reserves->next) done_.insert(reserves);
      for (; queries != nullptr; queries = queries->next) done_.insert(queries);
      changed_.notify_all();
    }};
  }
  void wait(const void* op) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.erase(op) == 1; });
  }
  bool has(const void* op) {
    const std::lock_guard lock(mutex_);
    return done_.contains(op);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<const void*> done_;
};

class LedgerFixture : public testing::Test {
 protected:
  LedgerFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "crd-ledger-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    ::umask(077);  // as crd has it: what a test writes in the store's place is not refused for its mode
    options_.path = (folder_ / "crd.db").string();
  }
  ~LedgerFixture() override {
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }

  base::Result<std::unique_ptr<Ledger>> try_open(const std::string& path, char master = 'a') {
    Ledger::Options options = options_;
    options.path = path;
    return Ledger::open(options, vault_of(master), {waiters_.recipient(), waiters_.recipient()}, log_);
  }
  void open() {
    ledger_.reset();
    auto opened = try_open(options_.path);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
  }

  // --- blocking forms ---
  void reserve(ReserveOp& op) {
    ledger_->reserve(op);
    waiters_.wait(&op);
  }
  BalanceQuery balance(TokenId token) {
    QueryOp op{BalanceQuery{token}};
    ledger_->query(op);
    waiters_.wait(&op);
    return std::get<BalanceQuery>(op.query);
  }
  // Of one result that a change makes.
  template <class Change>
  auto write(Change change) -> decltype(change(std::declval<Store&>())) {
    std::optional<decltype(change(std::declval<Store&>()))> result;
    const auto done = ledger_->write([&](Store& store) -> base::Result<void> {
      result.emplace(change(store));
      if (!*result) return tl::unexpected(result->error());
      return {};
    });
    if (!done) return tl::unexpected(done.error());
    return std::move(*result);
  }
  template <class Query>
  auto read(Query query) -> decltype(query(std::declval<Reports&>())) {
    std::optional<decltype(query(std::declval<Reports&>()))> result;
    const auto done = ledger_->read([&](Reports& reports) -> base::Result<void> {
      result.emplace(query(reports));
      return {};
    });
    if (!done) return tl::unexpected(done.error());
    return std::move(*result);
  }

  IssuedKey create_token(const std::string& name, std::optional<Credits> quota,
                         const std::string& account = "default") {
    NewToken wanted;
    wanted.name = name;
    wanted.quota = quota;
    wanted.account = account;
    return create_token(wanted);
  }
  IssuedKey create_token(const NewToken& wanted) {
    auto issued = write([&](Store& store) { return store.create_token(wanted, actor_); });
    EXPECT_TRUE(issued) << issued.error().message;
    return std::move(*issued);
  }
  AccountId create_account(const std::string& name, std::optional<Credits> quota) {
    AccountRecord wanted;
    wanted.name = name;
    wanted.quota = quota;
    auto created = write([&](Store& store) { return store.create_account(wanted, actor_); });
    EXPECT_TRUE(created) << created.error().message;
    return *created;
  }
  static RequestFacts facts_of(const IssuedKey& issued) {
    RequestFacts facts;
    facts.started_at = base::wall_now();
    facts.id = RequestId::make(facts.started_at);
    facts.token = issued.token->id;
    facts.account = issued.token->account;
    facts.key = issued.key_id;
    facts.group = "default";
    facts.model = "gpt-4o-mini";
    facts.endpoint = "chat.completions";
    facts.source_ip = "192.0.2.7";
    return facts;
  }
  // Holds `amount`, if that much is available.
  static ReserveOp reservation(const IssuedKey& issued, Credits amount) {
    ReserveOp op;
    op.facts = facts_of(issued);
    op.size = [amount](Credits available) { return amount <= available ? std::optional(amount) : std::nullopt; };
    return op;
  }
  static Settlement settlement(const ReserveOp& op, Credits cost, Ending ending = Ending::complete) {
    Settlement settlement;
    settlement.facts = op.facts;
    settlement.reserved = op.amount;
    settlement.cost = cost;
    settlement.ending = ending;
    settlement.status = 200;
    settlement.input_tokens = 10;
    settlement.output_tokens = 5;
    settlement.duration_ms = 40;
    return settlement;
  }
  void edit_token(const std::string& name, const TokenPatch& patch) {
    const auto edited = write([&](Store& store) { return store.edit_token(name, patch, {}, actor_); });
    ASSERT_TRUE(edited) << edited.error().message;
  }
  void expect_sound() {
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    EXPECT_TRUE(verified) << verified.error().message;
  }
  // A copy of the store as a crash now would leave it, opened in its place.
  void crash() {
    const std::string copy = (folder_ / ("crash-" + std::to_string(++crashes_))).string();
    ASSERT_TRUE(ledger_->flush());
    for (const char* part : {"", "-wal"}) {
      if (std::filesystem::exists(options_.path + part)) std::filesystem::copy_file(options_.path + part, copy + part);
    }
    ledger_.reset();
    options_.path = copy;
    open();
  }
  // As it is now; good until the next call.
  const Directory& directory() {
    snapshot_ = ledger_->directory().get();
    return *snapshot_;
  }
  sqlite::Database database() { return std::move(*sqlite::Database::open(options_.path, {})); }

  std::filesystem::path folder_;
  Ledger::Options options_;
  Actor actor_{.pid = 4711, .uid = 1000, .gid = 1000, .reason = "because"};
  base::Log log_{{.level = base::LogLevel::error}};
  Waiters waiters_;
  std::unique_ptr<Ledger> ledger_;
  DirectorySnapshot snapshot_;
  int crashes_ = 0;
};

}  // namespace cr::ledger
