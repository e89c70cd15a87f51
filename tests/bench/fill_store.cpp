// SPDX-License-Identifier: MIT
// bench_fill: a state directory with a store of many tokens and ended requests, made by the ledger itself: rows of the
// last 85 days and their sums. For the bench of large stores; its master key is a constant.
//   bench_fill STATE_DIRECTORY REQUESTS TOKENS
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace {

using namespace cr;
using ledger::Ledger;

constexpr std::int64_t k_at_once = 5'000;  // tokens made, or requests settled, between two waits for their commit
constexpr auto k_span = std::chrono::hours(24 * 85);

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "bench_fill: %s\n", message.c_str());
  std::exit(1);
}

std::string write_master_key(const std::string& directory) {
  const std::string key(token::Vault::k_master_bytes, 'k');
  const auto path = directory + "/master.key";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, key.data(), key.size()) != static_cast<ssize_t>(key.size())) fail("cannot write " + path);
  ::close(fd);
  return key;
}

void make_tokens(Ledger& ledger, std::int64_t count) {
  for (std::int64_t made = 0; made < count;) {
    const auto until = std::min(count, made + k_at_once);
    const auto done = ledger.write([&](ledger::Store& store) -> base::Result<void> {
      for (; made < until; ++made) {
        ledger::NewToken wanted;
        wanted.name = "bulk-" + std::to_string(made);
        if (auto issued = store.create_token(wanted, {}); !issued) return tl::unexpected(issued.error());
      }
      return {};
    });
    if (!done) fail(done.error().message);
  }
}

void settle_all(Ledger& ledger, std::int64_t count, std::int64_t tokens) {
  const base::Time start = base::wall_now() - k_span;
  const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(k_span) / static_cast<double>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    ledger::Settlement settlement;
    auto& facts = settlement.facts;
    facts.started_at =
        start + std::chrono::milliseconds(static_cast<std::int64_t>(step.count() * static_cast<double>(i)));
    facts.id = base::RequestId::make(facts.started_at);
    facts.token = {1 + i * 7919 % tokens};
    facts.account = {1};
    facts.group = "default";
    facts.model = "model-" + std::to_string(i % 10);
    facts.endpoint = "chat.completions";
    facts.source_ip = "192.0.2.1";
    settlement.channel = {1 + i % 3};
    settlement.cost = base::Credits::from_nano(1000 + i % 1000);
    settlement.status = i % 50 == 0 ? 502 : 200;
    settlement.input_tokens = 100;
    settlement.output_tokens = 50;
    settlement.duration_ms = 900;
    ledger.settle(std::move(settlement));
    if (i % k_at_once == 0) {
      if (auto flushed = ledger.flush(); !flushed) fail(flushed.error().message);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: bench_fill STATE_DIRECTORY REQUESTS TOKENS\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  auto vault = token::Vault::make(base::Secret(write_master_key(directory)));
  base::Log log{{.level = base::LogLevel::error}};
  Ledger::Options options;
  options.path = directory + "/ledger.db";
  options.retention = std::chrono::milliseconds(0);
  auto ledger = Ledger::open(options, std::move(*vault), {{[](ledger::ReserveOp*, ledger::BalanceOp*) {}}}, log);
  if (!ledger) fail(ledger.error().message);
  const auto tokens = std::strtoll(argv[3], nullptr, 10);
  make_tokens(**ledger, tokens);
  settle_all(**ledger, std::strtoll(argv[2], nullptr, 10), tokens);
  return 0;
}
