// SPDX-License-Identifier: MIT
// Every way in which an attempt can go, as tables: what was sent and what came, against what becomes of the request,
// what the channel is blamed for, and what is counted as lost.
#include "relay/request/attempt_result.h"

#include <gtest/gtest.h>

#include <vector>

namespace cr::relay::request {
namespace {

using dialect::RefusalCode;
using http::client::AnswerOutcome;
using Kind = AttemptResult::Kind;
using Seen = routing::Observation::Kind;

struct Expected {
  Kind kind;
  Seen observation;
  RefusalCode refusal;
  std::string_view what{};  // the reason the channel is set aside for
};

void expect(const Ruling& ruling, const Expected& expected, std::string_view row) {
  EXPECT_EQ(ruling.result.kind, expected.kind) << row;
  EXPECT_EQ(ruling.observation.kind, expected.observation) << row;
  EXPECT_EQ(ruling.result.refusal.code, expected.refusal) << row;
  EXPECT_EQ(ruling.observation.what, expected.what) << row;
}

TEST(AttemptResult, without_a_connection_the_next_route_is_tried) {
  const base::Error late{base::ErrorCode::timeout, "late", {}}, refused{base::ErrorCode::upstream, "refused", {}};
  expect(rule_on_unconnected(refused, false),
         {Kind::try_another, Seen::failed, RefusalCode::upstream_unreachable, "could not be reached"}, "refused");
  expect(rule_on_unconnected(late, false),
         {Kind::try_another, Seen::failed, RefusalCode::upstream_timeout, "could not be reached in time"}, "late");
  expect(rule_on_unconnected(refused, true),
         {Kind::try_another, Seen::abandoned, RefusalCode::upstream_unreachable, {}}, "the client left");
  const base::Error nothing_left{base::ErrorCode::exhausted, "too many open files", {}};
  expect(rule_on_unconnected(nothing_left, false), {Kind::spent, Seen::abandoned, RefusalCode::overloaded, {}},
         "no descriptor");
  EXPECT_EQ(rule_on_unconnected(nothing_left, false).result.refusal.retry_after, std::chrono::seconds(1));
}

TEST(AttemptResult, without_a_response_it_depends_on_what_was_sent) {
  struct Row {
    std::string_view name;
    Unanswered facts;
    Expected expected;
  };
  const std::vector<Row> rows = {
      {"nothing was sent",
       {.outcome = AnswerOutcome::closed},
       {Kind::try_another, Seen::failed, RefusalCode::upstream_unreachable, "could not be reached"}},
      {"closed while it was sent",
       {.outcome = AnswerOutcome::closed, .began = true},
       {Kind::try_another, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"garbage while it was sent",
       {.outcome = AnswerOutcome::garbage, .began = true},
       {Kind::try_another, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"not read in time",
       {.outcome = AnswerOutcome::timed_out, .began = true},
       {Kind::try_another, Seen::failed, RefusalCode::upstream_timeout, "stopped reading the request"}},
      {"cancelled before it was sent",
       {.outcome = AnswerOutcome::cancelled, .began = true},
       {Kind::try_another, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"sent and closed",
       {.outcome = AnswerOutcome::closed, .began = true, .sent = true},
       {Kind::lost, Seen::failed, RefusalCode::upstream_invalid, "closed the connection"}},
      {"sent and cut",
       {.outcome = AnswerOutcome::cut, .began = true, .sent = true},
       {Kind::lost, Seen::failed, RefusalCode::upstream_invalid, "closed the connection"}},
      {"sent and cut on a kept connection",
       {.outcome = AnswerOutcome::cut, .kept = true, .began = true, .sent = true},
       {Kind::lost, Seen::failed, RefusalCode::upstream_invalid, "closed the connection"}},
      {"sent, and no HTTP came",
       {.outcome = AnswerOutcome::garbage, .began = true, .sent = true},
       {Kind::try_another, Seen::failed, RefusalCode::upstream_invalid, "answered no HTTP"}},
      {"sent and silent",
       {.outcome = AnswerOutcome::timed_out, .began = true, .sent = true},
       {Kind::lost, Seen::failed, RefusalCode::upstream_timeout, "did not answer in time"}},
      {"sent and cancelled",
       {.outcome = AnswerOutcome::cancelled, .began = true, .sent = true, .client_gone = true},
       {Kind::lost, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"a kept connection was dead",
       {.outcome = AnswerOutcome::closed, .kept = true},
       {Kind::stale, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"a kept connection closed, all sent",
       {.outcome = AnswerOutcome::closed, .kept = true, .began = true, .sent = true},
       {Kind::stale, Seen::abandoned, RefusalCode::upstream_invalid, {}}},
      {"the same, and the client left",
       {.outcome = AnswerOutcome::closed, .kept = true, .began = true, .sent = true, .client_gone = true},
       {Kind::lost, Seen::failed, RefusalCode::upstream_invalid, "closed the connection"}},
  };
  for (const auto& row : rows) expect(rule_on_unanswered(row.facts), row.expected, row.name);
}

TEST(AttemptResult, a_form_that_is_not_all_sent_blames_the_one_who_stopped) {
  const dialect::Refusal late{RefusalCode::body_timeout, "late", {}, {}};
  const Unanswered cut{.outcome = AnswerOutcome::closed, .began = true, .streamed = true};
  expect(rule_on_unanswered(cut), {Kind::try_another, Seen::abandoned, RefusalCode::upstream_invalid, {}}, "cut");
  auto stalled = cut;
  stalled.outcome = AnswerOutcome::cancelled;
  stalled.stalled = true;
  expect(rule_on_unanswered(stalled),
         {Kind::try_another, Seen::failed, RefusalCode::upstream_timeout, "stopped reading the request"}, "stalled");
  auto refused = stalled;
  refused.form_refusal = &late;
  expect(rule_on_unanswered(refused), {Kind::try_another, Seen::abandoned, RefusalCode::body_timeout, {}}, "refused");
  auto gone = stalled;
  gone.client_gone = true;
  expect(rule_on_unanswered(gone), {Kind::try_another, Seen::abandoned, RefusalCode::upstream_invalid, {}}, "gone");
  auto sent = cut;
  sent.sent = true;
  expect(rule_on_unanswered(sent), {Kind::lost, Seen::failed, RefusalCode::upstream_invalid, "closed the connection"},
         "all sent");
}

TEST(AttemptResult, a_head_is_judged_by_its_status_and_by_what_is_left) {
  struct Row {
    int status;
    Kind with_others, as_last;
    Seen observation;
  };
  const std::vector<Row> rows = {
      {101, Kind::try_another, Kind::try_another, Seen::failed},
      {200, Kind::opened, Kind::opened, Seen::answered},
      {204, Kind::opened, Kind::opened, Seen::answered},
      {302, Kind::try_another, Kind::try_another, Seen::failed},
      {400, Kind::opened, Kind::opened, Seen::answered},
      {401, Kind::try_another, Kind::try_another, Seen::key_refused},
      {402, Kind::try_another, Kind::try_another, Seen::key_refused},
      {403, Kind::try_another, Kind::try_another, Seen::key_refused},
      {404, Kind::try_another, Kind::opened, Seen::answered},
      {408, Kind::try_another, Kind::opened, Seen::answered},
      {409, Kind::try_another, Kind::opened, Seen::answered},
      {413, Kind::opened, Kind::opened, Seen::answered},
      {422, Kind::opened, Kind::opened, Seen::answered},
      {425, Kind::try_another, Kind::opened, Seen::answered},
      {429, Kind::try_another, Kind::opened, Seen::rate_limited},
      {498, Kind::try_another, Kind::opened, Seen::rate_limited},
      {499, Kind::try_another, Kind::opened, Seen::answered},
      {500, Kind::try_another, Kind::opened, Seen::failed},
      {529, Kind::try_another, Kind::opened, Seen::failed},
  };
  for (const auto& row : rows) {
    for (const bool last : {false, true}) {
      const auto ruling = rule_on_head(row.status, last, true);
      EXPECT_EQ(ruling.result.kind, last ? row.as_last : row.with_others) << row.status << (last ? " last" : "");
      EXPECT_EQ(ruling.observation.kind, row.observation) << row.status;
      EXPECT_EQ(ruling.observation.status, row.status);
      EXPECT_FALSE(ruling.unreadable);
    }
  }
  EXPECT_EQ(rule_on_head(401, true, true).result.refusal.code, RefusalCode::upstream_auth);
  EXPECT_EQ(rule_on_head(503, false, true).result.refusal.code, RefusalCode::upstream_invalid);
}

// Whose fault it was, where the status alone does not tell.
TEST(AttemptResult, a_refusal_is_judged_by_its_words) {
  struct Row {
    std::string_view name;
    int status;
    dialect::ProviderError said;
    Kind with_others, as_last;
    Seen observation;
    bool out_of_credit = false;
  };
  const dialect::ProviderError no_credit{.has_message = true, .out_of_credit = true};
  const dialect::ProviderError too_little{.has_message = true, .short_of_credit = true};
  const dialect::ProviderError content{.has_message = true, .blames_content = true};
  const dialect::ProviderError of_key{.has_message = true, .blames_key = true};
  const dialect::ProviderError other{.has_message = true};
  const std::vector<Row> rows = {
      {"no credit", 400, no_credit, Kind::try_another, Kind::try_another, Seen::key_refused, true},
      {"no credit", 402, no_credit, Kind::try_another, Kind::try_another, Seen::key_refused, true},
      {"no credit", 403, no_credit, Kind::try_another, Kind::try_another, Seen::key_refused, true},
      {"no credit", 429, no_credit, Kind::try_another, Kind::try_another, Seen::key_refused, true},
      {"no words", 402, {}, Kind::try_another, Kind::try_another, Seen::key_refused, true},
      {"too little for this", 402, too_little, Kind::try_another, Kind::opened, Seen::key_refused},
      {"content", 403, content, Kind::opened, Kind::opened, Seen::key_refused},
      {"rights", 403, of_key, Kind::try_another, Kind::try_another, Seen::key_refused},
      {"who knows", 403, other, Kind::try_another, Kind::opened, Seen::key_refused},
      {"content", 400, content, Kind::opened, Kind::opened, Seen::answered},
      {"too large", 429, other, Kind::try_another, Kind::opened, Seen::rate_limited},
  };
  for (const auto& row : rows) {
    for (const bool last : {false, true}) {
      const auto ruling = rule_on_head(row.status, last, true, row.said);
      EXPECT_EQ(ruling.result.kind, last ? row.as_last : row.with_others) << row.status << row.name << last;
      EXPECT_EQ(ruling.observation.kind, row.observation) << row.status << row.name;
      EXPECT_EQ(ruling.observation.out_of_credit, row.out_of_credit) << row.status << row.name;
      EXPECT_EQ(ruling.observation.of_request, row.observation != Seen::answered) << row.status << row.name;
    }
  }
  EXPECT_FALSE(rule_on_head(401, false, true, of_key).observation.of_request) << "the key's, beyond doubt";
  EXPECT_TRUE(rule_on_head(503, false, true).observation.of_request);
  EXPECT_FALSE(rule_on_head(302, false, true).observation.of_request);
}

// One token's long prompt must not be able to make a channel unreachable for others.
TEST(AttemptResult, silence_after_it_was_sent_may_be_the_requests_own_fault) {
  EXPECT_TRUE(
      rule_on_unanswered({.outcome = AnswerOutcome::timed_out, .began = true, .sent = true}).observation.of_request);
  EXPECT_TRUE(
      rule_on_unanswered({.outcome = AnswerOutcome::closed, .began = true, .sent = true}).observation.of_request);
  EXPECT_TRUE(rule_on_unanswered({.outcome = AnswerOutcome::timed_out, .began = true}).observation.of_request);
  EXPECT_FALSE(rule_on_unanswered({.outcome = AnswerOutcome::closed}).observation.of_request);
  EXPECT_FALSE(rule_on_unconnected({base::ErrorCode::timeout, "late", {}}, false).observation.of_request);
}

TEST(AttemptResult, a_body_in_an_unknown_coding_is_no_answer) {
  for (const int status : {200, 400}) {
    const auto ruling = rule_on_head(status, false, false);
    EXPECT_EQ(ruling.result.kind, Kind::try_another);
    EXPECT_TRUE(ruling.unreadable);
    EXPECT_EQ(ruling.observation.kind, Seen::failed);
  }
  const auto limited = rule_on_head(429, false, false);
  EXPECT_EQ(limited.result.kind, Kind::try_another);
  EXPECT_FALSE(limited.unreadable) << "it is not passed on anyway";
}

// Nobody cancelled it: it may have been done as a whole, and a client that sends it again pays twice.
TEST(AttemptResult, what_was_sent_whole_and_not_answered_may_be_done) {
  for (const auto outcome : {AnswerOutcome::closed, AnswerOutcome::cut, AnswerOutcome::timed_out}) {
    const auto result = rule_on_unanswered({.outcome = outcome, .began = true, .sent = true}).result;
    EXPECT_TRUE(result.maybe_done);
    EXPECT_TRUE(result.refusal.no_retry);
  }
  for (const auto outcome : {AnswerOutcome::cancelled, AnswerOutcome::garbage}) {
    const auto result = rule_on_unanswered({.outcome = outcome, .began = true, .sent = true}).result;
    EXPECT_FALSE(result.maybe_done || result.refusal.no_retry);
  }
}

TEST(AttemptResult, the_provider_is_asked_how_long_to_wait_where_it_is_busy) {
  for (const int status : {429, 500, 503})
    EXPECT_TRUE(tells_wait(rule_on_head(status, false, true).observation)) << status;
  for (const int status : {101, 200, 302, 400, 401})
    EXPECT_FALSE(tells_wait(rule_on_head(status, false, true).observation)) << status;
}

// A request of 400 bytes, a hundred tokens; its response may have at most a thousand a choice.
class LostUsageTest : public testing::Test {
 protected:
  LostUsageTest() {
    scan_.model = "m";
    scan_.output_bound = 1000;
    price_.input = {1'000'000'000};
    price_.output = {2'000'000'000};
    request_.price = &price_;
    request_.body_bytes = 400;
  }
  dialect::RequestScan scan_;
  ledger::PriceRecord price_;
  PricedRequest request_{.scan = scan_};
};

TEST_F(LostUsageTest, nothing_where_nobody_worked_on_it) {
  for (const auto kind : {Kind::opened, Kind::try_another, Kind::spent, Kind::stale})
    EXPECT_FALSE(lost_usage({kind, {}, {}}, request_, 1000));
}

TEST_F(LostUsageTest, the_input_where_no_response_came) {
  const auto usage = lost_usage({Kind::lost, {}, {}}, request_, 1000);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->input_tokens, 100);
  EXPECT_EQ(usage->output_tokens, 0);
}

TEST_F(LostUsageTest, what_can_have_been_made_until_it_was_cancelled) {
  const auto usage = lost_usage({Kind::lost, {}, std::chrono::seconds(1)}, request_, 100);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->output_tokens, 300);
}

TEST_F(LostUsageTest, what_can_have_been_made_until_a_kept_connection_closed) {
  const auto made_in = [&](int milliseconds) {
    return lost_usage({Kind::stale, {}, std::chrono::milliseconds(milliseconds)}, request_, 100);
  };
  const auto soon = made_in(500);
  ASSERT_TRUE(soon);
  EXPECT_EQ(soon->input_tokens, 100);
  EXPECT_EQ(soon->output_tokens, 250) << "and two seconds to notice";
  EXPECT_EQ(made_in(60'000)->output_tokens, 1000) << "its bound";
}

}  // namespace
}  // namespace cr::relay::request
