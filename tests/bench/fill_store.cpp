// SPDX-License-Identifier: MIT
// bench_fill: a state directory with a store of many tokens, made by the ledger itself, and of many ended requests of
// the last 85 days with their sums, written straight into the file: through the ledger ten million would take half an
// hour. For the bench of large stores, which lets `audit verify` check them; its master key is a constant.
// With CHANNELS and GROUPS, a directory of many: each channel is in one group and serves 40 names, half of them
// patterns, and the tokens are spread over the groups; the token "everywhere" is in all of them. bench_fill prints its
// key.
//   bench_fill STATE_DIRECTORY REQUESTS TOKENS [CHANNELS GROUPS]
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ledger/core/ledger.h"
#include "sqlite/database.h"

namespace {

using namespace cr;
using ledger::Ledger;

// Tokens made with one commit: SQLite walks what the savepoints of a transaction have saved at the end of each
// statement, so more at once take longer.
constexpr std::int64_t k_at_once = 50;
constexpr auto k_span = std::chrono::hours(24 * 85);

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "bench_fill: %s\n", message.c_str());
  std::exit(1);
}

std::string write_master_key(const std::string& directory) {
  std::string key(token::Vault::k_master_bytes, 'k');
  const auto path = directory + "/master.key";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, key.data(), key.size()) != static_cast<ssize_t>(key.size())) fail("cannot write " + path);
  ::close(fd);
  return key;
}

constexpr std::int64_t k_models_a_channel = 40;  // every other one a pattern

std::string group_name(std::int64_t number) {
  return "group-" + std::to_string(number);
}

void must(const base::Result<void>& done) {
  if (!done) fail(done.error().message);
}

void make_groups(Ledger& ledger, std::int64_t count) {
  must(ledger.write([&](ledger::Store& store) -> base::Result<void> {
    for (std::int64_t i = 0; i < count; ++i) {
      ledger::GroupRecord group;
      group.name = group_name(i);
      if (auto made = store.create_group(group, {}); !made) return tl::unexpected(made.error());
    }
    return {};
  }));
}

void make_channels(Ledger& ledger, std::int64_t count, std::int64_t groups) {
  for (std::int64_t i = 0; i < count; ++i) {
    must(ledger.write([&](ledger::Store& store) -> base::Result<void> {
      ledger::NewChannel channel;
      channel.settings.name = "channel-" + std::to_string(i);
      channel.settings.base_url = "http://127.0.0.1:9/v1";
      channel.settings.allow_private = true;
      channel.settings.groups = {group_name(i % groups)};
      const auto maker = "maker-" + std::to_string(i % 500);
      for (std::int64_t model = 0; model < k_models_a_channel; ++model) {
        channel.settings.models.push_back(maker + "/model-" + std::to_string(model) + (model % 2 == 0 ? "" : "-*"));
      }
      channel.keys.emplace_back(std::string_view("sk-a-provider's-key"));
      if (auto made = store.create_channel(std::move(channel), {}); !made) return tl::unexpected(made.error());
      return {};
    }));
  }
}

// In all groups: its key is printed.
void make_token_of_all(Ledger& ledger, std::int64_t groups) {
  must(ledger.write([&](ledger::Store& store) -> base::Result<void> {
    ledger::NewToken wanted;
    wanted.name = "everywhere";
    wanted.quota = base::Credits::from_nano(1'000'000'000'000'000);
    wanted.groups.clear();
    for (std::int64_t i = 0; i < groups; ++i) wanted.groups.push_back(group_name(i));
    auto issued = store.create_token(wanted, {});
    if (!issued) return tl::unexpected(issued.error());
    std::printf("%s\n", std::string(issued->key.reveal()).c_str());
    return {};
  }));
}

void make_tokens(Ledger& ledger, std::int64_t count, std::int64_t groups) {
  for (std::int64_t made = 0; made < count;) {
    const auto until = std::min(count, made + k_at_once);
    const auto done = ledger.write([&](ledger::Store& store) -> base::Result<void> {
      for (; made < until; ++made) {
        ledger::NewToken wanted;
        wanted.name = "bulk-" + std::to_string(made);
        wanted.quota = base::Credits::from_nano(5'000'000'000);
        if (groups > 0) wanted.groups = {group_name(made % groups)};
        if (auto issued = store.create_token(wanted, {}); !issued) return tl::unexpected(issued.error());
      }
      return {};
    });
    if (!done) fail(done.error().message);
  }
}

// In the order of their ids, so that each lands behind the last one.
void insert_requests(sqlite::Database& db, std::int64_t count, std::int64_t tokens) {
  auto insert = sqlite::Statement::prepare(
      db,
      "INSERT INTO request (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
      " source_ip, channel_id, ending, flags, status, posted, overrun, input_tokens, cached_tokens, cache_write_tokens,"
      " output_tokens, duration_ms) VALUES (?1, ?2, 1, ?2, ?3, ?4, 0, ?5, 'default', 'chat.completions', '192.0.2.1',"
      " ?6, 0, 0, ?7, ?4, 0, 100, 0, 0, 50, 900)");
  if (!insert) fail(insert.error().message);
  const base::Time start = base::wall_now() - k_span;
  const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(k_span) / static_cast<double>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto after = static_cast<std::int64_t>(step.count() * static_cast<double>(i));
    const base::Time started_at = start + std::chrono::milliseconds(after);
    const auto id = base::RequestId::make(started_at);
    must(insert->bind_borrowed(1, id.bytes)
             .bind(2, 1 + i * 7919 % tokens)
             .bind(3, base::to_unix_ms(started_at))
             .bind(4, 1000 + i % 1000)
             .bind(5, "model-" + std::to_string(i % 10))
             .bind(6, 1 + i % 3)
             .bind(7, std::int64_t{i % 50 == 0 ? 502 : 200})
             .run());
  }
}

// The usage and the balances that follow from the rows; `audit verify` holds them against each other.
void sum_up(sqlite::Database& db) {
  const auto run = [&](const std::string& sql) { must(db.execute(sql.c_str())); };
  const std::string key = "account_id, channel_id, group_name, model";
  for (const std::string token : {"token_id", "0"}) {
    run("INSERT INTO usage_key (token_id, " + key + ") SELECT DISTINCT " + token + ", " + key + " FROM request");
  }
  const auto sums_of = [&](const std::string& token, int step, std::int64_t minutes) {
    const auto at = "request.started_at / " + std::to_string(minutes * 60'000);
    run("INSERT INTO usage SELECT usage_key.id, " + std::to_string(step) + ", " + at +
        " AS at, count(*), sum(status >= 400), 0, sum(input_tokens), sum(cached_tokens), sum(output_tokens),"
        " sum(posted) FROM request CROSS JOIN usage_key USING (" +
        key + ") WHERE usage_key.token_id = " + token + " GROUP BY 1, 3");
  };
  for (const auto& [step, minutes] : {std::pair(0, 15), std::pair(1, 60), std::pair(2, 24 * 60)}) {
    if (step != 1) sums_of("request.token_id", step, minutes);
    sums_of("0", step, minutes);
  }
  run("UPDATE token_balance SET posted = own.sum FROM (SELECT token_id, sum(posted) AS sum FROM usage_key CROSS JOIN"
      " usage ON key_id = id WHERE step = 2 AND token_id > 0 GROUP BY 1) AS own WHERE own.token_id ="
      " token_balance.token_id");
  run("UPDATE account_balance SET posted = (SELECT sum(posted) FROM token_balance)");
}

void make_requests(const std::string& path, std::int64_t count, std::int64_t tokens) {
  auto db = sqlite::Database::open(path, {});
  if (!db) fail(db.error().message);
  // Nobody needs this file should the machine fail on the way.
  must(db->execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; DROP INDEX request_token; BEGIN"));
  insert_requests(*db, count, tokens);
  must(db->execute("CREATE INDEX request_token ON request (token_id, id)"));
  sum_up(*db);
  must(db->execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) {
    std::fputs("usage: bench_fill STATE_DIRECTORY REQUESTS TOKENS [CHANNELS GROUPS]\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  auto vault = token::Vault::make(base::Secret(write_master_key(directory)));
  base::Log log{{.level = base::LogLevel::error}};
  Ledger::Options options;
  options.path = directory + "/ledger.db";
  options.retention = std::chrono::milliseconds(0);
  auto ledger = Ledger::open(options, std::move(*vault), {{[](ledger::ReserveOp*, ledger::QueryOp*) {}}}, log);
  if (!ledger) fail(ledger.error().message);
  const auto tokens = std::strtoll(argv[3], nullptr, 10);
  const auto groups = argc == 6 ? std::strtoll(argv[5], nullptr, 10) : 0;
  if (groups > 0) {
    make_groups(**ledger, groups);
    make_token_of_all(**ledger, groups);
    make_channels(**ledger, std::strtoll(argv[4], nullptr, 10), groups);
  }
  make_tokens(**ledger, tokens, groups);
  ledger->reset();
  const auto requests = std::strtoll(argv[2], nullptr, 10);
  if (requests > 0) make_requests(options.path, requests, tokens);
  return 0;
}
