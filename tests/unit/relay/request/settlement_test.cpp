// SPDX-License-Identifier: MIT
// One test for each row of the settlement table: how a request ended, and what the ledger posts for it.
#include "relay/request/settlement.h"

#include <gtest/gtest.h>
#include "billing/price_rules.h"
#include "unit/dialect/meter_of.h"

namespace cr::relay::request {
namespace {

using Credits = base::Credits;
using End = Outcome::End;
using dialect::Endpoint;
using dialect::RefusalCode;
using ledger::Ending;

constexpr std::string_view k_told =
    R"({"choices":[{"message":{"content":"0123456789abcdef"}}],"usage":{"prompt_tokens":10,"completion_tokens":20}})";
constexpr std::string_view k_untold = R"({"choices":[{"message":{"content":"0123456789abcdef"}}]})";
constexpr std::string_view k_word = R"(data: {"choices":[{"index":0,"delta":{"content":"0123456789abcdef"}}]})";
constexpr std::string_view k_usage =
    R"(data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";

// What is reserved for the input of the requests here, where an estimate is 100,000.
constexpr std::int64_t k_input_cost = (400 + 64) * 1000;

// Input tokens cost 1,000 nano-dollars each, output tokens 2,000; the request's body is of 400 bytes, a hundred tokens.
class SettlementTest : public testing::Test {
 protected:
  SettlementTest() {
    scan_.model = "m";
    price_.input = price_.cached_input = price_.cache_write = {1'000'000'000};
    price_.output = {2'000'000'000};
    price_.generation = 9;
    request_.price = &price_;
    request_.body_bytes = 400;
    request_.reservation = &reservation_;
    channel_.id = base::ChannelId{7};
    channel_.kind = ledger::ChannelKind::openai;
    group_.name = "default";
  }

  Outcome outcome(End end) {
    Outcome outcome{.end = end, .request = request_};
    outcome.facts.token = base::TokenId{3};
    outcome.reserved = reserved_;
    outcome.status = 200;
    outcome.attempt.channel = &channel_;
    outcome.group = &group_;
    outcome.attempt.upstream_model = "m";
    outcome.duration_ms = 12;
    return outcome;
  }
  Outcome refused(RefusalCode code) {
    auto refused = outcome(End::refused);
    refused.refused = code;
    refused.status = dialect::row_of(code).status;
    refused.error = dialect::row_of(code).name;
    return refused;
  }
  Outcome answered(std::string_view body, End end = End::whole) {
    meter_.emplace(dialect::meter_of(request_.endpoint, dialect::UsageEvent::forward));
    meter_->observe_body(body);
    auto answered = outcome(end);
    answered.attempt.meter = &*meter_;
    return answered;
  }
  Outcome streamed(const std::vector<std::string_view>& events, End end = End::whole) {
    meter_.emplace(dialect::meter_of(request_.endpoint, dialect::UsageEvent::forward));
    http::message::SseSplitter splitter(4096);
    for (const auto event : events) {
      EXPECT_TRUE(splitter.push(std::string(event) + "\n\n"));
      while (const auto whole = splitter.next()) meter_->observe(*whole);
    }
    auto streamed = outcome(end);
    streamed.attempt.meter = &*meter_;
    return streamed;
  }
  // A lost attempt is charged as the Exchange charges it: for itself.
  Outcome after_lost(Outcome outcome) {
    const auto usage = request_.unanswered();
    outcome.lost = Lost{usage, request_.cost(usage)};
    return outcome;
  }
  static void expect_void(const ledger::Settlement& row, Ending ending) {
    EXPECT_EQ(row.ending, ending);
    EXPECT_EQ(row.cost, Credits());
    EXPECT_EQ(row.flags, 0U);
    EXPECT_EQ(row.input_tokens + row.output_tokens, 0);
  }
  static void expect_posted(const ledger::Settlement& row, Ending ending, std::int64_t nano, std::uint32_t flags) {
    EXPECT_EQ(row.ending, ending);
    EXPECT_EQ(row.cost.nano(), nano);
    EXPECT_EQ(row.flags, flags);
  }

  dialect::RequestScan scan_;
  billing::ReservationSize reservation_{Credits::from_nano(1'000'000), 256, false, false};
  Credits reserved_ = Credits::from_nano(1'000'000);
  ledger::PriceRecord price_;
  PricedRequest request_{.scan = scan_};
  ledger::ChannelRecord channel_;
  ledger::GroupRecord group_;
  std::optional<dialect::Meter> meter_;
};

TEST_F(SettlementTest, NotConnectedOrNoAnswerIsVoid) {
  for (const auto code : {RefusalCode::upstream_unreachable, RefusalCode::upstream_timeout,
                          RefusalCode::upstream_invalid, RefusalCode::upstream_auth}) {
    const auto row = settlement(refused(code));
    expect_void(row, Ending::upstream_failed);
    EXPECT_EQ(row.reserved, reserved_) << "the reservation is given back";
    EXPECT_EQ(row.channel, channel_.id);
    EXPECT_EQ(row.error, dialect::row_of(code).name);
    EXPECT_EQ(row.status, dialect::row_of(code).status);
  }
}

TEST_F(SettlementTest, RefusedByCrdIsVoidAndNamesNoChannel) {
  auto early = refused(RefusalCode::model_not_allowed);
  early.attempt.channel = nullptr;
  early.group = nullptr;
  early.reserved = Credits();
  const auto row = settlement(std::move(early));
  expect_void(row, Ending::refused);
  EXPECT_EQ(row.channel, base::ChannelId{});
  EXPECT_EQ(row.facts.token, base::TokenId{3});
  EXPECT_EQ(row.duration_ms, 12);
}

TEST_F(SettlementTest, AFormThatFailedUnderWayIsNotTheProvidersFault) {
  auto form = refused(RefusalCode::invalid_multipart);
  form.form_failed = true;
  expect_void(settlement(std::move(form)), Ending::refused);
}

TEST_F(SettlementTest, TheProvidersOwnErrorIsVoid) {
  auto passed = answered(R"({"error":{"message":"too long"}})");
  passed.attempt.passed_error = true;
  passed.status = 400;
  passed.error = "upstream_error";
  const auto row = settlement(std::move(passed));
  expect_void(row, Ending::complete);
  EXPECT_EQ(row.error, "upstream_error");
}

TEST_F(SettlementTest, AnErrorInsteadOfAStreamIsVoid) {
  expect_void(settlement(streamed({R"(data: {"error":{"message":"overloaded"}})"})), Ending::complete);
}

TEST_F(SettlementTest, CompleteWithUsagePostsItsCost) {
  const auto row = settlement(answered(k_told));
  expect_posted(row, Ending::complete, 10 * 1000 + 20 * 2000, 0);
  EXPECT_EQ(row.input_tokens, 10);
  EXPECT_EQ(row.output_tokens, 20);
}

TEST_F(SettlementTest, AGroupsMultiplierIsChargedAndItsNameRecorded) {
  request_.multiplier = {1'500'000};
  auto other = answered(k_told);
  other.facts.group = "vip";  // whose reservation it was made with
  const auto row = settlement(std::move(other));
  expect_posted(row, Ending::complete, 75'000, 0);
  EXPECT_EQ(row.facts.group, "default");
}

TEST_F(SettlementTest, AboveTheReservationTheWholeCostIsTold) {
  reserved_ = Credits::from_nano(30'000);
  const auto row = settlement(answered(k_told));
  expect_posted(row, Ending::complete, 50'000, 0);
  EXPECT_EQ(row.reserved.nano(), 30'000) << "the ledger makes the difference overrun";
}

TEST_F(SettlementTest, CompleteWithoutUsageIsEstimated) {
  expect_posted(settlement(answered(k_untold)), Ending::complete, 100 * 1000 + 4 * 2000, ledger::k_estimated);
}

TEST_F(SettlementTest, WhatTheMeterCouldNotReadCountsByItsLength) {
  auto unread = answered({});
  unread.attempt.unread_bytes = 400;
  expect_posted(settlement(std::move(unread)), Ending::complete, 100 * 1000 + 100 * 2000, ledger::k_estimated);
}

TEST_F(SettlementTest, AnEstimateNeverPassesTheReservation) {
  reserved_ = Credits::from_nano(90'000);
  expect_posted(settlement(answered(k_untold)), Ending::complete, 90'000, ledger::k_estimated);
}

TEST_F(SettlementTest, ClientGoneWithTheUsageToldPostsIt) {
  auto gone = streamed({k_word, k_usage});
  gone.client_gone = true;
  expect_posted(settlement(std::move(gone)), Ending::client_gone, 50'000, 0);
}

TEST_F(SettlementTest, ClientGoneBeforeTheUsagePostsTheInputAndWhatCame) {
  auto gone = streamed({k_word});
  gone.client_gone = true;
  expect_posted(settlement(std::move(gone)), Ending::client_gone, 100 * 1000 + 4 * 2000, ledger::k_estimated);
}

TEST_F(SettlementTest, ClientGoneWhileAProviderWasAskedGotNothing) {
  auto gone = after_lost(refused(RefusalCode::upstream_invalid));
  gone.client_gone = true;
  const auto row = settlement(std::move(gone));
  expect_posted(row, Ending::client_gone, k_input_cost, ledger::k_unknown);
  EXPECT_EQ(row.status, 0);
  EXPECT_EQ(row.error, "");
}

TEST_F(SettlementTest, ClientGoneBeforeAnythingWasSentIsVoid) {
  auto gone = refused(RefusalCode::upstream_unreachable);
  gone.client_gone = true;
  const auto row = settlement(std::move(gone));
  expect_void(row, Ending::client_gone);
  EXPECT_EQ(row.status, 0);
}

TEST_F(SettlementTest, BrokenInMidStreamIsEstimated) {
  expect_posted(settlement(streamed({k_word}, End::broke_off)), Ending::upstream_cut, 108'000, ledger::k_estimated);
  expect_posted(settlement(streamed({k_word}, End::fell_silent)), Ending::upstream_silent, 108'000,
                ledger::k_estimated);
}

TEST_F(SettlementTest, BrokenAfterTheUsagePostsIt) {
  expect_posted(settlement(streamed({k_word, k_usage}, End::broke_off)), Ending::upstream_cut, 50'000, 0);
}

TEST_F(SettlementTest, EndedByItsOwnLastWordIsComplete) {
  auto ended = streamed({k_word, k_usage, "data: [DONE]"});
  ASSERT_TRUE(ended.attempt.meter->ended());
  expect_posted(settlement(std::move(ended)), Ending::complete, 50'000, 0);
}

// Nobody cancelled it: it may have been done as a whole.
TEST_F(SettlementTest, SentWholeAndUnansweredPostsTheReservation) {
  const std::pair<RefusalCode, Ending> rows[] = {{RefusalCode::upstream_invalid, Ending::upstream_failed},
                                                 {RefusalCode::upstream_timeout, Ending::upstream_silent}};
  for (const auto& [code, ending] : rows) {
    auto unanswered = refused(code);
    unanswered.lost = Lost{request_.unanswered(), reserved_};
    expect_posted(settlement(std::move(unanswered)), ending, reserved_.nano(), ledger::k_unknown);
  }
}

// What can have been made before anything was seen, until two seconds after the end; with text, that.
TEST_F(SettlementTest, EndedEarlyAndUnseenIsEstimatedByItsTime) {
  constexpr std::string_view k_role = R"(data: {"choices":[{"delta":{"role":"assistant","content":""}}]})";
  const auto early = [&](std::string_view event, std::chrono::milliseconds worked_for) {
    auto gone = streamed({event});
    gone.client_gone = true;
    gone.worked_for = worked_for;
    gone.attempt.output_rate = 50;
    return settlement(std::move(gone));
  };
  using std::chrono::seconds;
  expect_posted(early(k_role, seconds(1)), Ending::client_gone, k_input_cost + 150 * 2000, ledger::k_estimated);
  expect_posted(early(k_role, seconds(60)), Ending::client_gone, k_input_cost + 256 * 2000, ledger::k_estimated);
  expect_posted(early(k_word, seconds(60)), Ending::client_gone, k_input_cost + 4 * 2000, ledger::k_estimated);
}

// Its provider goes on whatever becomes of the connection.
TEST_F(SettlementTest, EndedEarlyOnAChannelThatDoesNotCancelPostsTheReservation) {
  channel_.cancels = "never";
  auto gone = streamed({k_word});
  gone.client_gone = true;
  gone.worked_for = std::chrono::seconds(1);
  expect_posted(settlement(std::move(gone)), Ending::client_gone, reserved_.nano(),
                ledger::k_estimated | ledger::k_unknown);
  auto told = answered(k_told);
  told.client_gone = true;
  told.worked_for = std::chrono::seconds(1);
  expect_posted(settlement(std::move(told)), Ending::client_gone, 50'000, 0);
}

// Nobody told of them, and they may all have been made: within what is reserved.
TEST_F(SettlementTest, EndedEarlyAndUnseenCallsOfToolsAreChargedAsReserved) {
  price_.rules = *billing::parse_rules(R"([{"tool":"web_search","count":"/usage/searches","fee":"0.01","most":5}])");
  scan_.provider_tools.push_back({"web_search_preview", std::nullopt});
  reserved_ = Credits::from_nano(100'000'000);
  const auto left = [&](std::string_view event) {
    auto gone = streamed({event});
    gone.client_gone = true;
    gone.worked_for = std::chrono::seconds(60);
    gone.attempt.output_rate = 50;
    return settlement(std::move(gone));
  };
  expect_posted(left(k_word), Ending::client_gone, 100 * 1000 + 4 * 2000 + 50'000'000, ledger::k_estimated);
  // What was told is believed.
  expect_posted(settlement(answered(k_told)), Ending::complete, 50'000, 0);
}

TEST_F(SettlementTest, AnAttemptThatWasLostIsPostedBesideTheUsageOfTheNext) {
  const auto row = settlement(after_lost(answered(k_told)));
  expect_posted(row, Ending::complete, 50'000 + k_input_cost, ledger::k_unknown);
  EXPECT_EQ(row.input_tokens, 10 + 464);
  // Both within the reservation, but for what was told.
  reserved_ = Credits::from_nano(60'000);
  expect_posted(settlement(after_lost(answered(k_told))), Ending::complete, 60'000, ledger::k_unknown);
  reserved_ = Credits::from_nano(40'000);
  expect_posted(settlement(after_lost(answered(k_told))), Ending::complete, 50'000, ledger::k_unknown);
}

TEST_F(SettlementTest, WhatIsMadeLaterPostsTheReservation) {
  request_.endpoint = Endpoint::responses;
  scan_.background = true;
  expect_posted(settlement(answered(R"({"id":"resp_1","object":"response","status":"queued"})")), Ending::complete,
                1'000'000, ledger::k_estimated);
}

TEST_F(SettlementTest, WithoutAPriceNothingIsPostedAndThatIsFlagged) {
  request_.price = nullptr;
  request_.reservation = nullptr;
  reserved_ = Credits();
  const auto row = settlement(answered(k_told));
  expect_posted(row, Ending::complete, 0, ledger::k_unpriced);
  EXPECT_EQ(row.output_tokens, 20);
}

TEST_F(SettlementTest, WithoutAReservationAnEstimateIsNotBounded) {
  request_.reservation = nullptr;
  reserved_ = Credits();
  expect_posted(settlement(answered(k_untold)), Ending::complete, 108'000, ledger::k_estimated);
}

TEST_F(SettlementTest, CountingTokensIsFree) {
  request_.endpoint = Endpoint::count_tokens;
  request_.reservation = nullptr;
  expect_posted(settlement(answered(R"({"input_tokens":12})")), Ending::complete, 0, 0);
}

TEST_F(SettlementTest, ALoweredBoundIsFlagged) {
  reservation_.lowered = true;
  expect_posted(settlement(answered(k_told)), Ending::complete, 50'000, ledger::k_clamped);
}

TEST_F(SettlementTest, AnotherModelNameOfTheChannelsIsRecorded) {
  EXPECT_EQ(settlement(answered(k_told)).upstream_model, "");
  auto mapped = answered(k_told);
  mapped.attempt.upstream_model = "m-2026";
  EXPECT_EQ(settlement(std::move(mapped)).upstream_model, "m-2026");
}

TEST_F(SettlementTest, WhereAResponseIsKeptIsRecordedWithIt) {
  request_.endpoint = Endpoint::responses;
  scan_.stored = true;
  constexpr std::string_view body =
      R"({"id":"resp_1","object":"response","usage":{"input_tokens":10,"output_tokens":20}})";
  const auto kept = settlement(answered(body));
  EXPECT_EQ(kept.stored.id, "resp_1");
  EXPECT_EQ(kept.stored.channel, channel_.id);
  EXPECT_EQ(kept.stored.model, "m");
  EXPECT_EQ(kept.stored.tokens, 30);
  EXPECT_EQ(settlement(answered(R"({"id":"resp_1","object":"response","output":[]})")).stored.tokens, 0)
      << "nobody told";
  auto failed = answered(body);
  failed.status = 400;
  EXPECT_EQ(settlement(std::move(failed)).stored.id, "");
  scan_.stored = false;
  EXPECT_EQ(settlement(answered(body)).stored.id, "");
}

TEST_F(SettlementTest, AStrangersRequestHasNoFacts) {
  auto stranger = refused(RefusalCode::invalid_api_key);
  stranger.known = false;
  stranger.attempt.channel = nullptr;
  EXPECT_EQ(trace_of(stranger, true), Trace::count);
  const auto row = settlement(std::move(stranger));
  expect_void(row, Ending::refused);
  EXPECT_EQ(row.facts.token, base::TokenId{});
}

TEST_F(SettlementTest, WhatLeavesARow) {
  EXPECT_EQ(trace_of(refused(RefusalCode::model_not_found), true), Trace::row);
  EXPECT_EQ(trace_of(refused(RefusalCode::model_not_found), false), Trace::row) << "its reservation goes back";
  EXPECT_EQ(trace_of(refused(RefusalCode::bad_framing), true), Trace::row) << "of an upload that was under way";
  EXPECT_EQ(trace_of(after_lost(refused(RefusalCode::upstream_invalid)), false), Trace::row);
  EXPECT_EQ(trace_of(answered(k_told), false), Trace::row);
  reserved_ = Credits();
  EXPECT_EQ(trace_of(refused(RefusalCode::upstream_invalid), true), Trace::row) << "a provider was asked";
  const auto unasked = [&](RefusalCode code, bool store_admits = true) {
    auto outcome = refused(code);
    outcome.attempt.channel = nullptr;
    return trace_of(outcome, store_admits);
  };
  EXPECT_EQ(unasked(RefusalCode::model_not_found), Trace::first_rows);
  EXPECT_EQ(unasked(RefusalCode::insufficient_quota), Trace::first_rows);
  EXPECT_EQ(unasked(RefusalCode::model_not_found, false), Trace::count);
  EXPECT_EQ(unasked(RefusalCode::rate_limit_exceeded), Trace::count);
  EXPECT_EQ(unasked(RefusalCode::concurrency_limit_exceeded), Trace::count);
  EXPECT_EQ(unasked(RefusalCode::too_many_refusals), Trace::count);
  EXPECT_EQ(unasked(RefusalCode::bad_framing), Trace::count) << "no request ever came whole";
}

}  // namespace
}  // namespace cr::relay::request
