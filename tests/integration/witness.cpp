// SPDX-License-Identifier: MIT
// The witness: what the fake providers charge, by their own code, held against the ledger.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "integration/gateway.h"

namespace cr::test {

std::int64_t witnessed_cost(Gateway& gateway) {
  std::int64_t cost = 0;
  const Json seen = gateway.upstream.requests();
  for (const auto& request : seen) cost += request.at("own") ? 0 : request.at("bill").get<std::int64_t>();
  return cost;
}

namespace {

// What all providers charge since the start.
struct Bill {
  struct Answer {
    std::int64_t bill = 0;
    bool whole = false;  // sent to its end, with its usage
  };
  std::int64_t requests = 0, own = 0;     // of tokens; of crd itself
  std::map<std::string, Answer> answers;  // by the provider's id
  static Bill of(Gateway& gateway) {
    Bill bill;
    for (auto* provider : gateway.providers()) {
      const Json told = provider->bill();
      bill.requests += told.at("requests").get<std::int64_t>();
      bill.own += told.at("own").get<std::int64_t>();
      for (const auto& answer : told.at("answers"))
        bill.answers[answer.at("id")] = {answer.at("bill"), answer.at("whole")};
    }
    return bill;
  }
};

// What crd knows to be charged. A group's factor is its operator's own, and not in it.
class KnownCosts {
 public:
  explicit KnownCosts(Gateway& gateway) : gateway_(gateway) {}
  std::int64_t of_requests() {
    return number(
        "SELECT (SELECT coalesce(sum(coalesce(cost, posted + overrun)), 0) FROM request WHERE NOT flags & 8)"
        " + (SELECT coalesce(sum(held), 0) FROM reservation)");
  }
  // Of a bill, what no row answers for: a row without a price knows no sum; and where nothing limits a token, nothing
  // is reserved, and what nobody told is estimated by what came of it, which is no bound.
  std::int64_t left_out(const Bill& bill) {
    std::int64_t sum = 0;
    for (const auto& row :
         gateway_.daemon.sql("SELECT upstream_request_id, flags & 8, coalesce(cost, posted + overrun) FROM request"
                             " WHERE upstream_request_id IS NOT NULL AND (flags & 8 OR (held = 0 AND flags & 3))")) {
      const auto answer = bill.answers.find(row[0]);
      if (answer == bill.answers.end()) continue;
      sum += row[1] != "0" ? answer->second.bill : std::max<std::int64_t>(0, answer->second.bill - std::stoll(row[2]));
    }
    return sum;
  }
  std::int64_t own() { return number("SELECT coalesce(sum(cost), 0) FROM own_request" + asked_of()); }
  bool all_own_were_told() { return number("SELECT count(*) FROM own_request" + asked_of() + " AND flags <> 0") == 0; }

 private:
  std::int64_t number(const std::string& query) { return std::stoll(gateway_.daemon.sql_value(query)); }
  // The providers that write bills: a test may have others.
  std::string asked_of() {
    std::string urls;
    for (auto* provider : gateway_.providers()) urls += (urls.empty() ? "'" : ", '") + provider->url() + "'";
    return " WHERE channel_id IN (SELECT id FROM channel WHERE base_url IN (" + urls + "))";
  }

  Gateway& gateway_;
};

// An answer that came whole, with its usage, costs what its provider charges: to the nano-dollar.
void check_answers(Gateway& gateway, const Bill& bill) {
  for (const auto& row : gateway.daemon.sql(
           "SELECT upstream_request_id, coalesce(cost, posted + overrun), model, endpoint, hex(id) FROM request"
           " WHERE ending = 0 AND NOT flags & ~16 AND price IS NOT NULL AND upstream_request_id IS NOT NULL")) {
    const auto answer = bill.answers.find(row[0]);
    if (answer == bill.answers.end() || !answer->second.whole) continue;
    EXPECT_EQ(std::stoll(row[1]), answer->second.bill)
        << row[0] << ": " << row[2] << " by " << row[3] << ", " << row[4];
  }
}

// What may still be on its way to the ledger is waited for.
template <class Holds>
void await(Holds holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace

void Gateway::publish(const FakePrice& price) {
  const std::string file = daemon.dir() / "rules.json";
  std::ofstream(file) << rules_of(price);
  std::vector<std::string> args{"price", "set", price.model, "--max-output", "4096", "--rules", file};
  const auto flags = flags_of(price);
  args.insert(args.end(), flags.begin(), flags.end());
  daemon.must(args);
}

void Gateway::set_price(const std::string& model, const std::vector<std::string>& flags) {
  static const std::set<std::string> k_rates{"--input",       "--cached-input", "--cache-write",  "--output",
                                             "--per-request", "--per-image",    "--per-character"};
  Json price = {{"model", model}};
  for (std::size_t i = 0; i + 1 < flags.size(); i += 2) {
    if (k_rates.contains(flags[i])) price[flags[i]] = flags[i + 1];
  }
  for (auto* provider : providers_) provider->change_price(price);
  std::vector<std::string> args{"price", "set", model};
  args.insert(args.end(), flags.begin(), flags.end());
  daemon.must(args);
}

Gateway::~Gateway() {
  if (!check_at_end_) return;
  BookedDaemon::at_end(daemon, [this] {
    check_books(daemon);
    const auto bill = Bill::of(*this);  // before the ledger: it grows no more than what is held
    KnownCosts known(*this);
    const auto billed = bill.requests - known.left_out(bill);
    const auto own = check_own_ ? bill.own : 0;
    await([&] { return billed <= known.of_requests() && own <= known.own(); });
    EXPECT_LE(billed, known.of_requests());
    EXPECT_LE(own, known.own()) << "of what crd asked by itself";
    if (check_own_ && known.all_own_were_told()) {
      EXPECT_EQ(own, known.own()) << "of what crd asked by itself";
    }
    check_answers(*this, bill);
  });
}

void check_witness(Gateway& gateway, Run run) {
  const auto bill = Bill::of(gateway);
  const auto posted = ledger_sum(gateway, "posted");
  const auto reserved = ledger_sum(gateway, "reserved");
  EXPECT_LE(bill.requests, posted + reserved);
  if (run == Run::clean) {
    EXPECT_EQ(bill.requests, posted);
    EXPECT_EQ(reserved, 0);
  }
  check_answers(gateway, bill);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM token_balance b JOIN token t ON t.id = b.token_id "
                                     "WHERE t.quota IS NOT NULL AND b.posted + b.reserved > t.quota"),
            "0");
}

}  // namespace cr::test
