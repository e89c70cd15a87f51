// SPDX-License-Identifier: MIT
// Storms: a thousand requests at once against a quota that pays for a few of them, over many seeds.
#include <random>

#include "integration/gateway.h"
#include "integration/priced_bodies.h"
#include "support/programs.h"
#include "support/storm.h"

namespace cr::test {
namespace {

// Under a sanitizer a storm takes several times as long, and its seeds find nothing that the release build's do not.
const int k_seeds = is_sanitized() ? 5 : 50;
const std::size_t k_requests = is_sanitized() ? 300 : 1000;

constexpr const char* k_credit_wait = "credit_wait = ";
constexpr std::array k_waits = {"10s", "00s", "01s"};  // as long as one another

DaemonOptions quiet() {
  DaemonOptions options;
  options.tables = "[log]\nrequests = \"none\"\n[tokens]\n" + (k_credit_wait + ('"' + std::string(k_waits[0]) + '"'));
  return options;
}

// Of a request whose answer is fake-full's.
std::int64_t ceiling_of(const Json& body) {
  const auto input = static_cast<std::int64_t>(body.dump().size()) + 16 + 64;
  return input * 1000 + body["max_tokens"].get<std::int64_t>() * 2000;
}

std::vector<std::string> requests_of(const std::vector<std::string>& keys, const Json& body) {
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < k_requests; ++i) requests.push_back(storm_request(keys[i % keys.size()], body.dump()));
  return requests;
}

class Storm : public testing::Test {
 protected:
  std::int64_t pick(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }
  std::int64_t left_of(const std::string& token, std::int64_t quota) { return quota - gateway_.posted(token); }

  // How long a request waits for what others have reserved.
  void wait_for_credit(const std::string& wait) {
    auto text = read_file(gateway_.daemon.config_file());
    const auto place = text.find(k_credit_wait) + std::strlen(k_credit_wait) + 1;
    write_file(gateway_.daemon.config_file(), text.replace(place, wait.size(), wait));
    gateway_.daemon.must({"config", "reload"});
  }

  Gateway gateway_{quiet()};
  std::mt19937 random_;
};

TEST_F(Storm, ExactlyAsManyArriveAsThereIsCreditFor) {
  for (int seed = 0; seed < k_seeds && !HasFailure(); ++seed) {
    random_.seed(static_cast<unsigned>(seed));
    const auto paid_for = pick(1, 200);
    Json body = chat("fake-full", {{"max_tokens", pick(16, 120)}});
    // With its usage asked for, so that crd need not edit the body whose bytes fake-full counts.
    if (seed % 2 == 1) body.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
    SCOPED_TRACE("seed " + std::to_string(seed) + ": credit for " + std::to_string(paid_for) + " of " + body.dump());
    gateway_.upstream.reset();
    const auto name = "t" + std::to_string(seed);
    const auto quota = paid_for * ceiling_of(body);
    // Less than one more: what is left over is not enough for another.
    const auto spare = pick(0, ceiling_of(body) - 1);
    const auto key = gateway_.token(name, {"--quota", dollars(quota + spare), "--when-low", "refuse"});
    const auto statuses = storm(gateway_.daemon.port(), requests_of({key}, body));
    EXPECT_THAT(statuses, testing::ElementsAre(testing::Pair(200, paid_for),
                                               testing::Pair(429, static_cast<int>(k_requests) - paid_for)));
    EXPECT_EQ(gateway_.arrived(), paid_for);
    EXPECT_EQ(gateway_.posted(name), quota);
    EXPECT_EQ(gateway_.reserved(name), 0);
    EXPECT_EQ(witnessed_cost(gateway_), quota);
  }
  check_books(gateway_.daemon);
}

TEST_F(Storm, WhereAnswersUseLessTheQuotaIsUsedUpAndNeverPassed) {
  for (int seed = 0; seed < k_seeds / 5 && !HasFailure(); ++seed) {
    random_.seed(static_cast<unsigned>(seed));
    const Json body = chat("fake-a", {{"max_tokens", pick(30, 120)}});
    const auto quota = pick(5, 12) * ceiling_of(body);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + dollars(quota) + " for " + body.dump());
    gateway_.upstream.reset();
    const auto name = "t" + std::to_string(seed);
    const auto key = gateway_.token(name, {"--quota", dollars(quota), "--when-low", "refuse"});
    // A storm leaves what its own holds gave back; the next one takes it, until not one request is affordable.
    std::map<int, int> statuses;
    do {
      statuses = storm(gateway_.daemon.port(), requests_of({key}, body));
      EXPECT_EQ(statuses[200] + statuses[429], static_cast<int>(k_requests));
      EXPECT_LE(gateway_.posted(name) + gateway_.reserved(name), quota);
    } while (statuses[200] > 0 && !HasFailure());
    EXPECT_EQ(gateway_.posted(name), gateway_.arrived() * 50'000) << "10 in, 20 out: $0.00005 each";
    EXPECT_EQ(gateway_.reserved(name), 0);
    EXPECT_GE(left_of(name, quota), 0);
    EXPECT_LT(left_of(name, quota), ceiling_of(body));
    EXPECT_EQ(witnessed_cost(gateway_), gateway_.posted(name));
  }
  check_books(gateway_.daemon);
}

TEST_F(Storm, TheAccountBindsItsTokensTogether) {
  for (int seed = 0; seed < k_seeds / 5 && !HasFailure(); ++seed) {
    random_.seed(static_cast<unsigned>(seed));
    const auto paid_for = pick(1, 100);
    const Json body = chat("fake-full", {{"max_tokens", pick(16, 120)}});
    SCOPED_TRACE("seed " + std::to_string(seed) + ": credit for " + std::to_string(paid_for));
    gateway_.upstream.reset();
    const auto account = "team" + std::to_string(seed);
    gateway_.daemon.must({"account", "create", account, "--quota", dollars(paid_for * ceiling_of(body))});
    std::vector<std::string> keys;
    for (int i = 0; i < 3; ++i) {
      std::vector<std::string> flags{"--account", account, "--when-low", "refuse"};
      if (i == 0) flags.insert(flags.end(), {"--quota", "1000"});  // more than the account has
      keys.push_back(gateway_.token(account + "-" + std::to_string(i), flags));
    }
    auto statuses = storm(gateway_.daemon.port(), requests_of(keys, body));
    EXPECT_EQ(statuses[200], paid_for);
    EXPECT_EQ(statuses[429], static_cast<int>(k_requests) - paid_for);
    EXPECT_EQ(gateway_.arrived(), paid_for);
    gateway_.flush();
    EXPECT_EQ(gateway_.daemon.sql_value("SELECT b.posted FROM account_balance b JOIN account a ON a.id = b.account_id"
                                        " WHERE a.name = '" +
                                        account + "'"),
              std::to_string(paid_for * ceiling_of(body)));
    EXPECT_EQ(witnessed_cost(gateway_), paid_for * ceiling_of(body));
  }
  check_books(gateway_.daemon);
}

TEST_F(Storm, TheBudgetBindsAnUnlimitedToken) {
  for (int seed = 0; seed < k_seeds / 5 && !HasFailure(); ++seed) {
    random_.seed(static_cast<unsigned>(seed));
    const auto paid_for = pick(1, 100);
    const Json body = chat("fake-full", {{"max_tokens", pick(16, 120)}});
    SCOPED_TRACE("seed " + std::to_string(seed) + ": a month's budget for " + std::to_string(paid_for));
    gateway_.upstream.reset();
    const auto name = "t" + std::to_string(seed);
    const auto limit = paid_for * ceiling_of(body);
    const auto key =
        gateway_.token(name, {"--budget", dollars(limit) + "/month", "--budget", "1000/week", "--when-low", "refuse"});
    const auto statuses = storm(gateway_.daemon.port(), requests_of({key}, body));
    EXPECT_THAT(statuses, testing::ElementsAre(testing::Pair(200, paid_for),
                                               testing::Pair(429, static_cast<int>(k_requests) - paid_for)));
    EXPECT_EQ(gateway_.arrived(), paid_for);
    EXPECT_EQ(gateway_.posted(name), limit);
    EXPECT_EQ(witnessed_cost(gateway_), limit);
    EXPECT_EQ(gateway_.show(name).at("status"), "limited");
  }
  check_books(gateway_.daemon);
}

// Tiers, speed, lengths, searches, and an alias whose cheaper route is down at times, on credit that carries few of
// them at once: they wait for one another. What is held is enough for each, and what is posted is the provider's bill.
TEST_F(Storm, OfEveryPriceOnTightCreditCostsWhatTheProviderBills) {
  constexpr std::size_t k_at_once = 300;
  add_dear_channel(gateway_);
  int by_dear_routes = 0;
  constexpr int k_seeds_released = 8, k_seeds_sanitized = 2;
  for (int seed = 0; seed < (is_sanitized() ? k_seeds_sanitized : k_seeds_released) && !HasFailure(); ++seed) {
    random_.seed(static_cast<unsigned>(seed));
    gateway_.upstream.reset();
    take_down(gateway_, static_cast<int>(pick(0, 20)));
    const auto* wait = k_waits[static_cast<std::size_t>(seed) % k_waits.size()];
    wait_for_credit(wait);
    const auto name = "e" + std::to_string(seed);
    const auto quota = pick(5'000'000, 200'000'000);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + dollars(quota) + ", waiting " + wait);
    gateway_.daemon.must({"account", "create", name, "--quota", dollars(quota)});
    const std::vector<std::string> keys{
        gateway_.token(name + "-q", {"--quota", dollars(quota), "--when-low", "refuse"}),
        gateway_.token(name + "-a", {"--account", name, "--when-low", "refuse"}),
        gateway_.token(name + "-b", {"--budget", dollars(quota) + "/day", "--when-low", "refuse"})};
    std::vector<std::string> requests;
    for (std::size_t i = 0; i < k_at_once; ++i) {
      const auto [path, body] = priced_body(random_, 120);
      requests.push_back(storm_request(keys[i % keys.size()], body.dump(), path));
    }
    auto statuses = storm(gateway_.daemon.port(), requests);
    EXPECT_GT(statuses[200], 0);
    // 503: credit for the cheaper route alone, and that one is down.
    EXPECT_EQ(statuses[200] + statuses[429] + statuses[503], static_cast<int>(k_at_once));
    const auto seen = gateway_.upstream.requests();
    for (const auto& request : seen) by_dear_routes += request["answered_by"] == "fake-dear" ? 1 : 0;
    check_witness(gateway_, Run::clean);
  }
  check_books(gateway_.daemon);
  EXPECT_GT(by_dear_routes, 0);
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT sum(overrun) FROM request"), "0");
  // More was held in all than there was: it was given back to whom waited for it.
  EXPECT_GT(std::stoll(gateway_.daemon.sql_value("SELECT sum(held) FROM request")),
            2 * std::stoll(gateway_.daemon.sql_value("SELECT sum(posted) FROM request")));
}

// With credit for all of them nobody is refused, although each holds its whole ceiling and names no bound of its own.
TEST_F(Storm, NoneIsRefusedWhereThereIsCreditForAll) {
  constexpr int k_at_once = 100;
  const Json body = chat("fake-a");
  const auto ceiling = (static_cast<std::int64_t>(body.dump().size()) + 16 + 64) * 1000 + 4096 * 2000;
  for (int seed = 0; seed < k_seeds / 5 && !HasFailure(); ++seed) {
    gateway_.upstream.reset();
    gateway_.upstream.close_gate();  // not one hold is given back before the last one is made
    const auto name = "t" + std::to_string(seed);
    const auto key = gateway_.token(name, {"--quota", dollars(k_at_once * ceiling)});
    const std::vector<std::string> requests(k_at_once, storm_request(key, body.dump()));
    auto statuses = std::async(std::launch::async, [&] { return storm(gateway_.daemon.port(), requests); });
    gateway_.upstream.wait_for("held", k_at_once);
    EXPECT_EQ(gateway_.reserved(name), k_at_once * ceiling);
    gateway_.upstream.open_gate();
    EXPECT_THAT(statuses.get(), testing::ElementsAre(testing::Pair(200, k_at_once)));
    const Json seen = gateway_.upstream.requests();
    for (const auto& request : seen) EXPECT_TRUE(request["bound"].is_null()) << "none was made smaller";
    EXPECT_EQ(gateway_.posted(name), k_at_once * 50'000);
  }
  check_witness(gateway_, Run::with_faults);
  check_books(gateway_.daemon);
}

}  // namespace
}  // namespace cr::test
