// SPDX-License-Identifier: MIT
// bench_ledger: how many reservations a second one ledger makes durable, and how long each waits for its commit, while
// a given number of them wait at once. Each is settled as soon as it is released, as a request would. Prints a line a
// load: waiting, reservations a second, commits, p50 and p99 of the wait in microseconds. One thread beside the
// ledger's.
//   bench_ledger DIRECTORY [WAITING...]
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/core/ledger.h"

namespace {

using namespace cr;
using ledger::Ledger;
using ledger::ReserveOp;

constexpr std::chrono::seconds k_round{3};
constexpr std::int64_t k_held = 1000;

// What the ledger thread has released, until the bench takes it.
class Released {
 public:
  Ledger::Recipient recipient() {
    return {[this](ReserveOp* reserves, ledger::QueryOp*) {
      {
        const std::lock_guard lock(mutex_);
        for (; reserves != nullptr; reserves = reserves->next) waiting_.push_back(reserves);
      }
      there_.notify_one();
    }};
  }
  std::vector<ReserveOp*> take() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return !waiting_.empty(); });
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::vector<ReserveOp*> waiting_;
};

struct Slot {
  ReserveOp op;
  base::SteadyTime since;
};

class Bench {
 public:
  explicit Bench(const std::string& directory) {
    Ledger::Options options;
    options.path = directory + "/bench.db";
    auto vault = token::Vault::make(base::Secret(std::string(token::Vault::k_master_bytes, 'b')));
    auto opened = Ledger::open(options, std::move(*vault), {released_.recipient()}, log_);
    if (!opened) fail(opened.error());
    ledger_ = std::move(*opened);
    ledger::NewToken wanted;
    wanted.name = "bench";
    wanted.quota = base::Credits::from_nano(1'000'000'000'000'000);
    wanted.budgets[0] = wanted.quota;
    const auto made = ledger_->write([&](ledger::Store& store) -> base::Result<void> {
      auto issued = store.create_token(wanted, {});
      if (!issued) return tl::unexpected(issued.error());
      token_ = issued->token;
      key_ = issued->key_id;
      return {};
    });
    if (!made) fail(made.error());
  }

  void run(std::size_t waiting) {
    std::vector<Slot> slots(waiting);
    std::vector<std::int64_t> waits;
    const auto commits = ledger_->counters().commits;
    const auto start = base::steady_now();
    for (Slot& slot : slots) begin(slot);
    std::size_t open = waiting;
    while (open > 0) {
      for (ReserveOp* op : released_.take()) {
        auto& slot = *static_cast<Slot*>(op->waiter);
        const auto now = base::steady_now();
        waits.push_back(std::chrono::duration_cast<std::chrono::microseconds>(now - slot.since).count());
        settle(*op);
        if (now - start < k_round) {
          begin(slot);
        } else {
          --open;
        }
      }
    }
    const auto took = std::chrono::duration<double>(base::steady_now() - start).count();
    std::sort(waits.begin(), waits.end());
    std::printf(
        "waiting %zu per_second %.0f commits_per_second %.0f p50_us %lld p99_us %lld\n", waiting,
        static_cast<double>(waits.size()) / took, static_cast<double>(ledger_->counters().commits - commits) / took,
        static_cast<long long>(waits[waits.size() / 2]), static_cast<long long>(waits[waits.size() * 99 / 100]));
    std::fflush(stdout);
  }

 private:
  [[noreturn]] static void fail(const base::Error& error) {
    std::fprintf(stderr, "bench_ledger: %s\n", error.message.c_str());
    std::exit(1);
  }

  void begin(Slot& slot) {
    slot.op = ReserveOp();
    slot.op.facts.started_at = base::wall_now();
    slot.op.facts.id = base::RequestId::make(slot.op.facts.started_at);
    slot.op.facts.token = token_->id;
    slot.op.facts.account = token_->account;
    slot.op.facts.key = key_;
    slot.op.facts.group = "default";
    slot.op.facts.model = "gpt-4o-mini";
    slot.op.facts.endpoint = "chat.completions";
    slot.op.facts.source_ip = "192.0.2.7";
    slot.op.size = [](base::Credits) { return std::optional(base::Credits::from_nano(k_held)); };
    slot.op.waiter = &slot;
    slot.since = base::steady_now();
    ledger_->reserve(slot.op);
  }

  void settle(const ReserveOp& op) {
    ledger::Settlement settlement;
    settlement.facts = op.facts;
    settlement.reserved = op.amount;
    settlement.cost = base::Credits::from_nano(k_held / 2);
    settlement.status = 200;
    settlement.input_tokens = 10;
    settlement.output_tokens = 20;
    ledger_->settle(std::move(settlement));
  }

  Released released_;
  base::Log log_{{.level = base::LogLevel::error}};
  std::shared_ptr<const ledger::TokenRecord> token_;
  base::KeyId key_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_ledger DIRECTORY [WAITING...]\n", stderr);
    return 2;
  }
  Bench bench(argv[1]);
  std::vector<std::size_t> loads;
  for (int i = 2; i < argc; ++i) loads.push_back(std::strtoul(argv[i], nullptr, 10));
  if (loads.empty()) loads = {1, 8, 64, 512};
  for (const std::size_t waiting : loads) bench.run(std::max<std::size_t>(1, waiting));
  return 0;
}
