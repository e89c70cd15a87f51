// SPDX-License-Identifier: MIT
// What the ledger is told of a request: its reservation, and for every ending one settlement. The table of settlements
// itself is settlement_test's; here each of its rows goes through the entry, as the parts of a request bring it about.
#include "relay/request/ledger_entry.h"

#include <gmock/gmock.h>

#include <map>

#include "unit/dialect/meter_of.h"
#include "unit/relay/request/one_request.h"

namespace cr::relay::request {
namespace {

using base::Credits;
using dialect::Endpoint;
using dialect::RefusalCode;
using ledger::Ending;
using ledger::Settlement;
using testing::HasSubstr;
using End = Outcome::End;

constexpr std::string_view k_told =
    R"({"choices":[{"message":{"content":"0123456789abcdef"}}],"usage":{"prompt_tokens":10,"completion_tokens":20}})";
constexpr std::string_view k_untold = R"({"choices":[{"message":{"content":"0123456789abcdef"}}]})";
constexpr std::string_view k_error = R"({"error":{"message":"overloaded"}})";
constexpr std::int64_t k_told_cost = 10 * 1000 + 20 * 2000;
constexpr std::int64_t k_input_cost = (400 + 64 + 16) * 1000;  // the most of a body of 400 bytes and one message
constexpr std::int64_t k_estimate = 100 * 1000 + 4 * 2000;     // of it, and 16 bytes of text
constexpr std::int64_t k_reservation = -1;                     // all of it

class LedgerEntryTest : public testing::Test {
 protected:
  void begin(const std::string& members = R"("max_tokens":256,)") { request_.begin(chat_of(400, members)); }
  LastAttempt attempt(std::string_view body = {}) {
    LastAttempt last;
    last.channel = request_.channels.front().get();
    last.key = 0;
    last.upstream_model = "m";
    last.upstream_request_id = "req_1";
    if (body.empty()) return last;
    meter_.emplace(dialect::meter_of(request_.endpoint, dialect::UsageEvent::forward));
    meter_->observe_body(body);
    last.meter = &*meter_;
    last.first_byte_ms = 7;
    return last;
  }
  void lose_one() {
    const auto priced = request_.entry->priced();
    request_.entry->add_lost(priced, priced.unanswered());
  }
  std::optional<Ending> refuse(RefusalCode code, const LastAttempt& last, bool gone = false) {
    const auto& row = dialect::row_of(code);
    return request_.entry->settle(End::refused, {row.status, row.name}, last, gone, code);
  }

  OneRequest request_;
  std::optional<dialect::Meter> meter_;
};

TEST_F(LedgerEntryTest, a_reservation_says_whose_request_it_is_and_what_it_can_come_to) {
  begin();
  const auto amount = request_.reserve();
  ASSERT_TRUE(amount);
  EXPECT_GE(amount->nano(), 256 * 2000);
  ASSERT_NE(request_.entry->reserved(), nullptr);
  EXPECT_EQ(request_.entry->reserved()->amount, *amount);
  EXPECT_FALSE(request_.entry->reserved()->lowered);
  const auto& facts = request_.reserved;
  EXPECT_EQ(facts.id, request_.context->id);
  EXPECT_EQ(facts.started_at, request_.now);
  EXPECT_EQ(facts.token, base::TokenId{3});
  EXPECT_EQ(facts.key, base::KeyId{5});
  EXPECT_EQ(facts.account, base::AccountId{1});
  EXPECT_EQ(facts.group, "default");
  EXPECT_EQ(facts.model, "m");
  EXPECT_EQ(facts.endpoint, dialect::name_of(Endpoint::chat_completions));
  EXPECT_FALSE(facts.stream);
  EXPECT_TRUE(request_.settled().empty());
}

TEST_F(LedgerEntryTest, a_streams_reservation_says_what_can_have_been_made_of_it) {
  begin(R"("max_tokens":256,"stream":true,)");
  ASSERT_TRUE(request_.reserve());
  ASSERT_TRUE(request_.unseen);
  // Two seconds at a thousand tokens in each are more than its bound.
  EXPECT_EQ(request_.unseen->at_once, Credits::from_nano(k_input_cost + 256 * 2000));
  EXPECT_EQ(request_.unseen->each_second, Credits::from_nano(1000 * 2000));
  begin(R"("max_tokens":100000,"stream":true,"n":2,)");
  ASSERT_TRUE(request_.reserve());
  EXPECT_EQ(request_.unseen->at_once, Credits::from_nano(k_input_cost + 2 * 2000 * 2000));
  EXPECT_EQ(request_.unseen->each_second, Credits::from_nano(2 * 1000 * 2000));
  begin();
  ASSERT_TRUE(request_.reserve());
  EXPECT_FALSE(request_.unseen) << "a plain request goes on at its provider";
}

TEST_F(LedgerEntryTest, what_a_streams_attempts_lost_is_noted_before_the_next) {
  begin(R"("max_tokens":256,"stream":true,)");
  ASSERT_TRUE(request_.reserve());
  EXPECT_EQ(request_.entry->make_lost_note(), nullptr) << "nothing is lost yet";
  for (const std::int64_t attempts : {1, 2}) {
    lose_one();
    const auto note = request_.entry->make_lost_note();
    ASSERT_NE(note, nullptr);
    EXPECT_EQ(note->facts.id, request_.context->id);
    EXPECT_EQ(note->lost, Credits::from_nano(attempts * k_input_cost));
    EXPECT_FALSE(note->may_wait);
    EXPECT_EQ(request_.entry->make_lost_note(), nullptr) << "once";
  }
  begin();
  ASSERT_TRUE(request_.reserve());
  lose_one();
  EXPECT_EQ(request_.entry->make_lost_note(), nullptr) << "a crash posts all that is reserved";
}

TEST_F(LedgerEntryTest, what_is_not_granted_holds_nothing_and_is_void) {
  begin();
  EXPECT_FALSE(request_.reserve(Credits()));
  EXPECT_EQ(request_.entry->reserved(), nullptr);
  EXPECT_EQ(refuse(RefusalCode::insufficient_quota, {}), Ending::refused);
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cost, Credits());
  EXPECT_EQ(row->reserved, Credits());
  EXPECT_EQ(row->facts.token, base::TokenId{3});
  EXPECT_THAT(request_.metrics.text(), HasSubstr("insufficient_quota\"} 1"));
}

TEST_F(LedgerEntryTest, a_lowered_bound_is_flagged) {
  begin("");
  const auto amount = request_.reserve(Credits::from_nano(2'000'000));
  ASSERT_TRUE(amount);
  ASSERT_TRUE(request_.entry->reserved()->lowered);
  request_.entry->settle(End::whole, {200, {}}, attempt(k_told), false);
  EXPECT_EQ(request_.settled_once()->flags, ledger::k_clamped);
}

// Every row of the settlement table.
struct Row {
  std::string_view what;
  End end;
  std::string_view body;  // of the response; empty: there is none
  bool gone, lost;
  std::optional<RefusalCode> refused;
  Ending ending;
  std::int64_t cost;
  std::uint32_t flags;
  int status;
};

TEST(LedgerEntry, each_ending_is_one_settlement) {
  const auto none = std::optional<RefusalCode>();
  const std::vector<Row> rows = {
      {"not connected", End::refused, "", false, false, RefusalCode::upstream_unreachable, Ending::upstream_failed, 0,
       0, 502},
      {"refused by crd after the reservation", End::refused, "", false, false, RefusalCode::upstream_auth,
       Ending::upstream_failed, 0, 0, 502},
      {"no answer: the provider's error", End::whole, k_error, false, false, none, Ending::complete, 0, 0, 200},
      {"complete, with usage", End::whole, k_told, false, false, none, Ending::complete, k_told_cost, 0, 200},
      {"complete, without usage", End::whole, k_untold, false, false, none, Ending::complete, k_estimate,
       ledger::k_estimated, 200},
      {"client gone, usage told", End::whole, k_told, true, false, none, Ending::client_gone, k_told_cost, 0, 200},
      {"client gone, usage not told", End::whole, k_untold, true, false, none, Ending::client_gone, k_estimate,
       ledger::k_estimated, 200},
      {"client gone, nothing sent", End::refused, "", true, false, RefusalCode::upstream_unreachable,
       Ending::client_gone, 0, 0, 0},
      {"client gone while it was worked on", End::refused, "", true, true, RefusalCode::upstream_invalid,
       Ending::client_gone, k_input_cost, ledger::k_unknown, 0},
      {"broken in mid-stream", End::broke_off, k_untold, false, false, none, Ending::upstream_cut, k_estimate,
       ledger::k_estimated, 200},
      {"broken after its usage", End::broke_off, k_told, false, false, none, Ending::upstream_cut, k_told_cost, 0, 200},
      {"silent in mid-stream", End::fell_silent, k_untold, false, false, none, Ending::upstream_silent, k_estimate,
       ledger::k_estimated, 200},
      {"sent whole, closed unanswered", End::refused, "", false, true, RefusalCode::upstream_invalid,
       Ending::upstream_failed, k_input_cost, ledger::k_unknown, 502},
      {"sent whole, timed out", End::refused, "", false, true, RefusalCode::upstream_timeout, Ending::upstream_silent,
       k_input_cost, ledger::k_unknown, 504},
      {"a lost attempt, then complete", End::whole, k_told, false, true, none, Ending::complete,
       k_told_cost + k_input_cost, ledger::k_unknown, 200},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    OneRequest request;
    request.begin(chat_of(400, R"("max_tokens":256,)"));
    const auto held = request.reserve();
    ASSERT_TRUE(held);
    std::optional<dialect::Meter> meter;
    LastAttempt last;
    last.channel = request.channels.front().get();
    last.upstream_model = "m";
    if (!row.body.empty()) {
      meter.emplace(dialect::meter_of(request.endpoint, dialect::UsageEvent::forward));
      meter->observe_body(row.body);
      last.meter = &*meter;
    }
    if (row.lost) {
      const auto priced = request.entry->priced();
      request.entry->add_lost(priced, priced.unanswered());
    }
    const int told = row.refused ? dialect::row_of(*row.refused).status : 200;
    EXPECT_EQ(request.entry->settle(row.end, {told, {}}, last, row.gone, row.refused), row.ending);
    EXPECT_EQ(request.entry->settle(End::whole, {200, {}}, last, false), std::nullopt) << "once";
    const auto settlement = request.settled_once();
    ASSERT_TRUE(settlement);
    EXPECT_EQ(settlement->ending, row.ending);
    EXPECT_EQ(settlement->cost.nano(), row.cost == k_reservation ? held->nano() : row.cost);
    EXPECT_EQ(settlement->reserved, *held) << "what is reserved is free again";
    EXPECT_EQ(settlement->flags, row.flags);
    EXPECT_EQ(settlement->status, row.status);
    EXPECT_EQ(settlement->facts.id, request.context->id);
    EXPECT_EQ(settlement->facts.started_at, request.now);
    EXPECT_EQ(settlement->channel, base::ChannelId{1});
  }
}

TEST_F(LedgerEntryTest, what_is_made_later_posts_the_reservation) {
  request_.endpoint = Endpoint::responses;
  request_.begin(R"({"model":"m","background":true,"store":true,"max_output_tokens":256,"input":"hello"})");
  const auto held = request_.reserve();
  ASSERT_TRUE(held);
  request_.entry->settle(End::whole, {200, {}}, attempt(R"({"id":"resp_1","object":"response","status":"queued"})"),
                         false);
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cost, *held);
  EXPECT_EQ(row->stored.id, "resp_1");
}

TEST_F(LedgerEntryTest, the_providers_own_error_is_void) {
  begin();
  request_.reserve();
  auto last = attempt(k_error);
  last.passed_error = true;
  request_.entry->settle(End::whole, {400, "upstream_error"}, last, false);
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cost, Credits());
  EXPECT_EQ(row->error, "upstream_error");
  EXPECT_EQ(row->upstream_request_id, "req_1");
  EXPECT_EQ(row->first_byte_ms, 7);
}

TEST_F(LedgerEntryTest, a_stale_attempt_is_carried_beside_the_next_or_not_at_all) {
  begin();
  const auto held = request_.reserve();
  ASSERT_TRUE(held);
  AttemptResult stale{AttemptResult::Kind::stale, {}, std::nullopt};
  EXPECT_TRUE(request_.entry->carry_another(stale, 1'000)) << "nothing of it was sent";
  EXPECT_EQ(request_.entry->reserved()->amount, *held);
  // All that can have been made in an hour is more than is reserved for both.
  stale.sent_for = std::chrono::hours(1);
  EXPECT_FALSE(request_.entry->carry_another(stale, 1'000));
  refuse(RefusalCode::upstream_invalid, attempt());
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->flags, ledger::k_unknown);
  EXPECT_GT(row->cost, Credits());
  EXPECT_LE(row->cost, *held) << "an estimate never passes what is reserved";
}

TEST_F(LedgerEntryTest, without_a_limit_nothing_is_reserved_and_the_cost_is_told) {
  request_.token.quota.reset();
  begin();
  AttemptResult stale{AttemptResult::Kind::stale, {}, std::chrono::hours(1)};
  EXPECT_TRUE(request_.entry->carry_another(stale, 1'000));
  request_.entry->settle(End::whole, {200, {}}, attempt(k_told), false);
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->reserved, Credits());
  EXPECT_GT(row->cost.nano(), k_told_cost) << "the stale attempt's, too";
  EXPECT_EQ(row->facts.source_ip, request_.admission->caller().source->to_string());
}

TEST_F(LedgerEntryTest, what_leaves_no_row) {
  begin();
  EXPECT_EQ(refuse(RefusalCode::rate_limit_exceeded, {}), Ending::refused);
  EXPECT_TRUE(request_.settled().empty()) << "a rate's refusal costs no disk write";
  EXPECT_THAT(request_.metrics.text(), HasSubstr("rate_limit_exceeded\"} 1"));
  begin();
  request_.engine->fail("disk full");
  refuse(RefusalCode::unavailable, {});
  EXPECT_TRUE(request_.settled().empty()) << "nothing is reserved, and the store takes nothing";
  begin();
  lose_one();
  refuse(RefusalCode::upstream_invalid, attempt());
  EXPECT_TRUE(request_.settled_once()) << "what was used is told all the same";
}

TEST_F(LedgerEntryTest, of_refusals_the_first_leave_rows_and_all_are_counted) {
  std::size_t rows = 0;
  for (int i = 0; i < 300; ++i) {
    begin();
    EXPECT_EQ(refuse(RefusalCode::insufficient_quota, {}), Ending::refused);
    rows += request_.settled().size();
  }
  begin();
  refuse(RefusalCode::rate_limit_exceeded, {});
  rows += request_.settled().size();
  EXPECT_EQ(rows, 10U);
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> counted;
  for (const auto& sum : request_.engine->refused().take(100, request_.now)) {
    EXPECT_EQ(sum.token, base::TokenId{3});
    EXPECT_EQ(sum.account, base::AccountId{1});
    EXPECT_EQ(sum.minute, ledger::minute_of(request_.now));
    counted[std::string(sum.code)] = {sum.requests, sum.without_row};
  }
  EXPECT_EQ(counted, (std::map<std::string, std::pair<std::int64_t, std::int64_t>>{{"insufficient_quota", {300, 290}},
                                                                                   {"rate_limit_exceeded", {1, 1}}}));
  EXPECT_THAT(request_.metrics.text(), HasSubstr("insufficient_quota\"} 300"));
  // What was reserved for, or asked of a provider, is no such refusal.
  begin();
  refuse(RefusalCode::upstream_unreachable, attempt());
  EXPECT_TRUE(request_.settled_once());
  EXPECT_FALSE(request_.engine->refused().any());
}

TEST_F(LedgerEntryTest, each_ending_is_counted_once) {
  begin();
  request_.reserve();
  request_.entry->settle(End::whole, {200, {}}, attempt(k_told), false);
  request_.entry->settle(End::broke_off, {200, {}}, attempt(k_told), false);
  EXPECT_THAT(request_.metrics.text(), HasSubstr("ending=\"complete\"} 1"));
  EXPECT_THAT(request_.metrics.text(), HasSubstr("ending=\"upstream_cut\"} 0"));
}

}  // namespace
}  // namespace cr::relay::request
