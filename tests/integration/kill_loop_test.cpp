// SPDX-License-Identifier: MIT
// Kill loop: crd under load is killed at a commit, between two writes, in mid-stream or at any time, starts again
// (and is killed in its recovery, too), and the books are checked: hundreds of rounds on one store.
#include <cstdlib>
#include <set>

#include "base/id.h"
#include "integration/busy_clients.h"
#include "integration/gateway.h"
#include "integration/priced_bodies.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using Call = CrashPoint::Call;
using When = CrashPoint::When;

// A round costs several times as much under a sanitizer, which looks for other faults than this test.
const int k_rounds = is_sanitized() ? 40 : 200;

int rounds_wanted() {
  const char* const given = std::getenv("CR_KILL_ROUNDS");
  return given == nullptr ? k_rounds : std::stoi(given);
}

enum class Manner { before_commit, after_commit, at_write, mid_stream, any_time };
constexpr int k_manners = 5;

struct Row {
  std::int64_t reserved = 0, posted = 0, overrun = 0;
  int ending = 0;
};
constexpr int k_complete = 0, k_refused = 1, k_in_doubt = 6;

std::string hex_of(const std::string& request_id) {
  const auto id = base::RequestId::parse(request_id);
  if (!id) return "not an id: " + request_id;
  std::string text;
  for (const auto byte : id->bytes) {
    for (const int digit : {byte >> 4, byte & 15}) text += "0123456789ABCDEF"[digit];
  }
  return text;
}

struct Seen {  // over all rounds: a loop that meets nothing proves nothing
  int killed_in_recovery = 0, whole = 0, broken_off = 0, in_doubt = 0, out_of_credit = 0, by_dear_route = 0;
};

class KillLoop : public testing::Test {
 protected:
  KillLoop() : gateway_(options()) {
    gateway_.may_lose_own_requests();
    add_dear_channel(gateway_);
    gateway_.daemon.must({"account", "create", "team", "--quota", "1000"});
    keys_.push_back(gateway_.token("wide", {"--quota", "1000"}));
    keys_.push_back(gateway_.token("in-team", {"--account", "team"}));
    keys_.push_back(
        gateway_.token("by-day", {"--budget", "500/day", "--budget", "1000/month", "--time-zone", "Asia/Kathmandu"}));
    keys_.push_back(gateway_.token("tight", {"--quota", "0.001", "--when-low", "refuse"}));
  }
  static DaemonOptions options() {
    DaemonOptions options;
    options.crash_shim = true;
    options.tables = "[log]\nrequests = \"none\"";
    return options;
  }

  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random_); }
  When either() { return below(2) == 0 ? When::before : When::after; }

  void kill_under_load(Manner manner, BusyClients& clients) {
    Daemon& daemon = gateway_.daemon;
    switch (manner) {
      case Manner::before_commit:
      case Manner::after_commit:
        daemon.crash_at({Call::commit, manner == Manner::before_commit ? When::before : When::after, 1 + below(12)});
        break;
      case Manner::at_write:
        daemon.crash_at({Call::write, either(), 1 + below(200)});
        break;
      case Manner::mid_stream:
        gateway_.upstream.wait_for("held", 1);
        daemon.kill9();
        gateway_.upstream.open_gate();
        break;
      case Manner::any_time:
        clients.wait_for_heads(static_cast<std::size_t>(1 + below(40)));
        daemon.kill9();
        break;
    }
    ASSERT_EQ(daemon.process().wait(), 128 + SIGKILL) << daemon.log();
  }

  // Half of the starts are killed on their way, some of them again.
  void start_again() {
    Daemon& daemon = gateway_.daemon;
    for (bool killing = below(2) == 0; killing; killing = below(3) == 0) {
      daemon.crash_at({below(2) == 0 ? Call::write : Call::sync, either(), 1 + below(12)});
      if (daemon.try_start()) {
        daemon.disarm();
        return;
      }
      ++seen_.killed_in_recovery;
    }
    daemon.disarm();
    daemon.start();
  }

  // The upstream has noticed that crd is gone: its count is final. What crd opened is older than the asking connection.
  void let_the_upstream_end() {
    while (gateway_.upstream.tally()["open_connections"] > 1) std::this_thread::yield();
  }

  // The rows that came since the last call.
  std::map<std::string, Row> new_rows() {
    std::map<std::string, Row> rows;
    for (const auto& cells :
         gateway_.daemon.sql("SELECT hex(id), held, posted, overrun, ending FROM request WHERE id > x'" + last_row_ +
                             "' ORDER BY id")) {
      rows[cells[0]] = {std::stoll(cells[1]), std::stoll(cells[2]), std::stoll(cells[3]), std::stoi(cells[4])};
    }
    if (!rows.empty()) last_row_ = rows.rbegin()->first;
    return rows;
  }

  void check_round(const std::vector<SentRequest>& sent) {
    check_books(gateway_.daemon);
    gateway_.daemon.must({"audit", "verify"});  // the usage's sums and the budgets with them
    EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM reservation"), "0");
    EXPECT_EQ(gateway_.daemon.sql_value("SELECT sum(reserved) FROM token_balance"), "0");
    const auto rows = new_rows();
    std::map<std::string, std::int64_t> consumed;  // by mark
    std::int64_t witness = 0;
    const Json requests = gateway_.upstream.requests();
    for (const auto& request : requests) {
      if (request.at("status").get<int>() == 503) continue;  // down: another route is asked
      const auto cost = request.at("bill").get<std::int64_t>();
      witness += cost;
      if (request.at("answered_by") == "fake-dear") ++seen_.by_dear_route;
      for (const auto& field : request.at("headers")) {
        if (field[0] != "idempotency-key") continue;
        EXPECT_TRUE(consumed.emplace(field[1], cost).second) << "sent twice";
      }
    }
    std::int64_t posted = 0;
    std::size_t reserved = 0;
    for (const auto& [id, row] : rows) {
      posted += row.posted;
      reserved += row.reserved > 0 ? 1U : 0U;
      EXPECT_EQ(row.overrun, 0);
      EXPECT_LE(row.posted, row.reserved) << id;
      if (row.ending == k_in_doubt) {
        EXPECT_GT(row.posted, 0);
        ++seen_.in_doubt;
      }
    }
    EXPECT_LE(witness, posted);
    EXPECT_LE(consumed.size(), reserved) << "something was sent that no durable reservation stood for";
    for (const auto& request : sent) check_answer(request, rows, consumed);
  }

  void check_answer(const SentRequest& sent, const std::map<std::string, Row>& rows,
                    const std::map<std::string, std::int64_t>& consumed) {
    if (sent.status == 0) return;
    // 503: credit for the cheaper route alone, which is down.
    if (sent.status == 429 || sent.status == 503) {
      EXPECT_FALSE(consumed.contains(sent.mark)) << "refused, and sent all the same";
      ++seen_.out_of_credit;
      return;
    }
    ASSERT_EQ(sent.status, 200);
    ++(sent.whole ? seen_.whole : seen_.broken_off);
    const auto row = rows.find(hex_of(sent.request_id));
    ASSERT_NE(row, rows.end()) << sent.request_id << " was answered and is not recorded";
    ASSERT_TRUE(consumed.contains(sent.mark));
    EXPECT_GE(row->second.posted, consumed.at(sent.mark));
    EXPECT_THAT(row->second.ending, testing::AnyOf(k_complete, k_in_doubt));
    if (row->second.ending == k_complete) {
      EXPECT_EQ(row->second.posted, consumed.at(sent.mark));
    }
  }

  Gateway gateway_;
  std::vector<std::string> keys_;
  std::mt19937 random_{20240229};
  std::string last_row_;
  Seen seen_;
};

TEST_F(KillLoop, TheBooksHold) {
  const int rounds = rounds_wanted();
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    const auto manner = static_cast<Manner>(round % k_manners);
    SCOPED_TRACE("round " + std::to_string(round) + ", manner " + std::to_string(static_cast<int>(manner)));
    gateway_.upstream.reset();
    take_down(gateway_, static_cast<int>(below(4)));
    if (manner == Manner::mid_stream) gateway_.upstream.close_gate(2);
    BusyClients clients({.port = gateway_.daemon.port(), .keys = keys_, .seed = static_cast<std::uint32_t>(round)});
    kill_under_load(manner, clients);
    const auto sent = clients.sent();
    EXPECT_EQ(clients.trouble(), "");
    let_the_upstream_end();
    start_again();
    check_round(sent);
    gateway_.daemon.must({"token", "edit", "tight", "--quota", "+0.0005"});
  }
  if (HasFailure()) return;
  EXPECT_GT(seen_.killed_in_recovery, rounds / 10);
  EXPECT_GT(seen_.in_doubt, rounds / 2);
  EXPECT_GT(seen_.whole, rounds);
  EXPECT_GT(seen_.broken_off, rounds / 20);
  EXPECT_GT(seen_.out_of_credit, 0);
  EXPECT_GT(seen_.by_dear_route, 0);
  std::printf("%d rounds: %d answers whole, %d broken off, %d in doubt, %d refused, %d starts killed\n", rounds,
              seen_.whole, seen_.broken_off, seen_.in_doubt, seen_.out_of_credit, seen_.killed_in_recovery);
}

}  // namespace
}  // namespace cr::test
