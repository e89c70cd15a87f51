// SPDX-License-Identifier: MIT
// crd killed at named places: before and after the commit of a reservation, in mid-stream, before and after the commit
// of a settlement, and at every write and sync of the recovery that follows. What the next start finds is exact.
#include <unistd.h>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using Call = CrashPoint::Call;
using When = CrashPoint::When;

DaemonOptions with_crash_shim() {
  DaemonOptions options;
  options.crash_shim = true;
  return options;
}

// Of a fake-full answer: what it costs is what was reserved for it.
std::int64_t ceiling_of(const Json& body) {
  const auto input = static_cast<std::int64_t>(body.dump().size()) + 16 + 64;
  return input * 1000 + body["max_tokens"].get<std::int64_t>() * 2000;
}

struct Case {
  const char* name;
  bool settling;  // the place is in the settlement's commit, else in the reservation's
  CrashPoint point;
  std::int64_t arrived;              // at the upstream
  std::vector<std::string> endings;  // that the request may have after the next start; "" = it left no row
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

// A kill is no power cut: what was written stays, synced or not, so that before a sync both are right.
const Case k_cases[] = {
    {"before_the_first_write_of_a_reservation", false, {Call::write, When::before, 1}, 0, {""}},
    {"between_the_writes_of_a_reservation", false, {Call::write, When::after, 1}, 0, {""}},
    {"before_the_sync_of_a_reservation", false, {Call::commit, When::before, 1}, 0, {"", "in_doubt"}},
    {"after_the_sync_of_a_reservation", false, {Call::commit, When::after, 1}, 0, {"in_doubt"}},
    {"before_the_first_write_of_a_settlement", true, {Call::write, When::before, 1}, 1, {"in_doubt"}},
    {"between_the_writes_of_a_settlement", true, {Call::write, When::after, 1}, 1, {"in_doubt"}},
    {"before_the_sync_of_a_settlement", true, {Call::commit, When::before, 1}, 1, {"in_doubt", "complete"}},
    {"after_the_sync_of_a_settlement", true, {Call::commit, When::after, 1}, 1, {"complete"}},
};

class CrashPoints : public testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(CrashPoints, TheBooksAreRightAtTheNextStart) {
  const auto& [at, streamed] = GetParam();
  Gateway gateway(with_crash_shim());
  const auto key = gateway.token("t", {"--quota", "1"});
  const Json body = chat("fake-a", {{"max_tokens", 100}, {"stream", streamed}});
  const auto held = ceiling_of(body);
  RawClient client(gateway.daemon.port());
  if (at.settling) gateway.upstream.close_gate(streamed ? 2 : -1);
  if (!at.settling) gateway.daemon.crash_at(at.point);
  client.send(raw_request("POST", "/v1/chat/completions", key, body.dump()));
  if (at.settling) {
    gateway.upstream.wait_for("held", 1);
    gateway.daemon.crash_at(at.point);
    gateway.upstream.open_gate();
  }
  ASSERT_EQ(gateway.daemon.process().wait(), 128 + SIGKILL);
  EXPECT_FALSE(gateway.daemon.armed());
  const auto head = client.read_head();
  if (!at.settling) {
    EXPECT_FALSE(head) << "answered without a reservation";
  }
  EXPECT_EQ(gateway.arrived(), at.arrived);

  gateway.daemon.start();
  const Json rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  ASSERT_LE(rows.size(), 1U);
  const std::string ending = rows.empty() ? "" : rows[0]["ending"].get<std::string>();
  EXPECT_THAT(at.endings, testing::Contains(ending));
  const std::int64_t expected = ending.empty() ? 0 : ending == "complete" ? 50'000 : held;
  EXPECT_EQ(gateway.posted("t"), expected);
  EXPECT_EQ(gateway.reserved("t"), 0);
  if (head && head->status == 200) {
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["id"], head->header("x-request-id"));
  }
  check_books(gateway.daemon);
  check_witness(gateway, Run::with_faults);
}

INSTANTIATE_TEST_SUITE_P(Table, CrashPoints, testing::Combine(testing::ValuesIn(k_cases), testing::Bool()),
                         [](const auto& param) {
                           return std::string(std::get<0>(param.param).name) +
                                  (std::get<1>(param.param) ? "_streamed" : "_plain");
                         });

TEST(CrashInMidStream, PostsTheWholeCeilingWhereAllOfItCanHaveBeenMade) {
  Gateway gateway(with_crash_shim());
  const auto key = gateway.token("t", {"--quota", "1"});
  const Json body = chat("fake-a", {{"max_tokens", 100}, {"stream", true}});
  gateway.upstream.close_gate(3);
  RawClient client(gateway.daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, body.dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(client.read_event(*head));
  gateway.daemon.kill9();
  gateway.upstream.open_gate();
  gateway.upstream.wait_for("gone", 1);
  gateway.daemon.start();
  const Json row = Json::parse(gateway.daemon.must({"request", "show", head->header("x-request-id"), "--json"}));
  EXPECT_EQ(row["ending"], "in_doubt");
  EXPECT_EQ(row["cost"], row["held"]);
  EXPECT_EQ(gateway.posted("t"), ceiling_of(body));
  check_books(gateway.daemon);
  check_witness(gateway, Run::with_faults);
}

// Its connections were closed with it: what can have been made until the next start, and not all that was reserved.
TEST(CrashInMidStream, PostsWhatCanHaveBeenMadeUntilTheNextStart) {
  Gateway gateway(with_crash_shim());
  gateway.daemon.must(
      {"price", "set", "fake-a", "--default-output", "400000", "--max-output", "400000", "--context", "1000000"});
  const auto key = gateway.token("t", {"--quota", "100"});
  const Json body = chat("fake-a", {{"stream", true}});
  gateway.upstream.close_gate(3);
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    auto& client = *clients.emplace_back(std::make_unique<RawClient>(gateway.daemon.port()));
    client.send(raw_request("POST", "/v1/chat/completions", key, body.dump()));
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    ASSERT_TRUE(client.read_event(*head));
    ids.push_back(head->header("x-request-id"));
  }
  gateway.daemon.kill9();
  gateway.upstream.open_gate();
  gateway.upstream.wait_for("gone", 20);
  gateway.daemon.start();
  for (const auto& id : ids) {
    const Json row = Json::parse(gateway.daemon.must({"request", "show", id, "--json"}));
    EXPECT_EQ(row["ending"], "in_doubt");
    EXPECT_LT(std::stod(row["cost"].get<std::string>()), std::stod(row["held"].get<std::string>()) / 2);
    // Two seconds at four thousand tokens in each, at least.
    EXPECT_GT(std::stod(row["cost"].get<std::string>()), 2 * 4000 * 2e-6);
  }
  EXPECT_EQ(gateway.reserved("t"), 0);
  check_books(gateway.daemon);
  check_witness(gateway, Run::with_faults);
}

// The recovery of a crash may crash too, at each of its own writes and syncs; nothing is posted twice or lost.
class CrashInRecovery : public testing::TestWithParam<std::tuple<Call, When>> {};

TEST_P(CrashInRecovery, AtEveryCallInTurn) {
  Gateway gateway(with_crash_shim());
  const auto key = gateway.token("t", {"--quota", "1"});
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  gateway.upstream.close_gate();
  std::vector<std::future<int>> lost;
  for (int i = 0; i < 3; ++i) {
    lost.push_back(std::async(std::launch::async, [&] { return gateway.post(key, body).status; }));
  }
  gateway.upstream.wait_for("arrived", 3);
  gateway.daemon.kill9();
  gateway.upstream.open_gate();
  for (auto& answer : lost) EXPECT_EQ(answer.get(), 0);

  const auto [call, when] = GetParam();
  std::int64_t met = 0;
  for (std::int64_t at = 1;; ++at) {
    gateway.daemon.crash_at({call, when, at});
    if (gateway.daemon.try_start()) {
      ASSERT_TRUE(gateway.daemon.armed()) << "killed, and yet it runs";
      break;
    }
    ++met;
  }
  gateway.daemon.disarm();
  EXPECT_GT(met, 0) << "a recovery that writes nothing recovers nothing";
  EXPECT_EQ(gateway.posted("t"), 3 * ceiling_of(body));
  EXPECT_EQ(gateway.reserved("t"), 0);
  const Json rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  EXPECT_EQ(rows.size(), 3U);
  for (const auto& row : rows) EXPECT_EQ(row["ending"], "in_doubt");
  check_books(gateway.daemon);
  check_witness(gateway, Run::with_faults);
}

INSTANTIATE_TEST_SUITE_P(Calls, CrashInRecovery,
                         testing::Combine(testing::Values(Call::write, Call::sync, Call::commit),
                                          testing::Values(When::before, When::after)),
                         [](const auto& param) {
                           const auto call = std::get<0>(param.param);
                           return std::string(std::get<1>(param.param) == When::before ? "before" : "after") +
                                  (call == Call::write  ? "_write"
                                   : call == Call::sync ? "_sync"
                                                        : "_commit");
                         });

}  // namespace
}  // namespace cr::test
