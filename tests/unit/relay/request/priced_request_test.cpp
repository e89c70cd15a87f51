// SPDX-License-Identifier: MIT
#include "relay/request/priced_request.h"

#include <gtest/gtest.h>

#include "ledger/core/operations.h"
#include "provider/provider.h"
#include "unit/dialect/meter_of.h"

namespace cr::relay::request {
namespace {

using dialect::Endpoint;
using std::chrono::milliseconds;

class PricedRequestTest : public testing::Test {
 protected:
  PricedRequestTest() {
    price_.input = price_.cached_input = price_.cache_write = {1'000'000'000};
    price_.output = {2'000'000'000};
    request_.price = &price_;
    request_.body_bytes = 400;
  }
  billing::RequestTerms terms() { return request_.terms(ledger::WhenLow::clamp, {}); }
  ledger::PriceRecord price_;
  dialect::RequestScan scan_;
  PricedRequest request_{.scan = scan_};
};

TEST_F(PricedRequestTest, TextIsBoundedByItsBytes) {
  EXPECT_EQ(request_.ceiling(terms())->input_tokens(), billing::text_tokens_ceiling(400, scan_));
}

TEST_F(PricedRequestTest, WhatIsOutsideTheBodyIsBoundedByTheContextAlone) {
  scan_.unbounded_media = true;
  EXPECT_FALSE(request_.ceiling(terms()));
  price_.context_tokens = 128'000;
  EXPECT_EQ(request_.ceiling(terms())->input_tokens(), 128'000);
  price_.context_tokens.reset();
  price_.input = price_.cached_input = price_.cache_write = {};
  EXPECT_EQ(request_.ceiling(terms())->input_tokens(), billing::text_tokens_ceiling(400, scan_))
      << "its input costs nothing";
}

TEST_F(PricedRequestTest, WhatIsGoneOnFromIsBoundedByWhatItTold) {
  scan_.previous_response = "resp_1";
  price_.context_tokens = 128'000;
  EXPECT_EQ(request_.ceiling(terms())->input_tokens(), 128'000) << "nobody knows it";
  EXPECT_EQ(request_.estimated_input(), 100);
  scan_.continued_tokens = 5000;
  EXPECT_EQ(request_.ceiling(terms())->input_tokens(), billing::text_tokens_ceiling(400, scan_) + 5000);
  EXPECT_EQ(request_.estimated_input(), 5100);
}

TEST_F(PricedRequestTest, AFormHasNoFieldForABound) {
  request_.endpoint = Endpoint::audio_transcriptions;
  price_.max_output_tokens = 2000;
  EXPECT_EQ(terms().when_low, billing::WhenLow::refuse);
  EXPECT_EQ(request_.ceiling(terms())->open_bound(), 2000);
}

TEST_F(PricedRequestTest, ItsReservationIsSizedByItsOwnBound) {
  scan_.output_bound = 100;
  scan_.choices = 2;
  const auto terms = request_.terms(ledger::WhenLow::refuse, {});
  EXPECT_EQ(terms.client_bound, 100);
  EXPECT_EQ(terms.choices, 2);
  EXPECT_EQ(terms.when_low, billing::WhenLow::refuse);
  EXPECT_EQ(terms.text_tokens, request_.ceiling(terms)->input_tokens());
}

TEST_F(PricedRequestTest, AnUnansweredAttemptCountsAsItsInput) {
  EXPECT_EQ(request_.unanswered().input_tokens, 100);
  EXPECT_EQ(request_.unanswered().output_tokens, 0);
  request_.endpoint = Endpoint::audio_speech;
  price_ = {};
  price_.per_character = {15'000'000'000};
  scan_.characters = 12;
  EXPECT_EQ(request_.unanswered().input_tokens, 0) << "nothing of it is charged by tokens";
  EXPECT_EQ(request_.unanswered().characters, 12);
  request_.endpoint = Endpoint::count_tokens;
  EXPECT_EQ(request_.unanswered(), dialect::Usage{});
}

TEST_F(PricedRequestTest, WhatCanHaveBeenMadeGrowsWithTheTimeUpToTheBound) {
  scan_.output_bound = 5000;
  EXPECT_EQ(request_.made_in(milliseconds(0), 1000).output_tokens, 2000) << "two seconds to notice";
  EXPECT_EQ(request_.made_in(milliseconds(500), 1000).output_tokens, 2500);
  EXPECT_EQ(request_.made_in(milliseconds(60'000), 1000).output_tokens, 5000);
  scan_.choices = 3;
  EXPECT_EQ(request_.made_in(milliseconds(0), 1000).output_tokens, 6000);
  const billing::ReservationSize reservation{base::Credits::from_nano(1), 700, true, true};
  request_.reservation = &reservation;
  EXPECT_EQ(request_.made_in(milliseconds(0), 1000).output_tokens, 2100) << "what crd wrote bounds it";
}

// Of a response that ended early: by its time where nothing came yet, or where the model thinks unseen.
TEST_F(PricedRequestTest, WhatMayHaveBeenMadeUnseenCountsByTime) {
  using std::chrono::milliseconds;
  scan_.output_bound = 5000;
  const auto unseen = [&](std::string_view event, std::int64_t estimate) {
    auto meter = dialect::meter_of(Endpoint::chat_completions, dialect::UsageEvent::forward);
    meter.observe({event, {}, event});
    dialect::Usage usage{.output_tokens = estimate};
    request_.add_unseen(meter, milliseconds(1000), 1000, usage);
    return usage.output_tokens;
  };
  constexpr std::string_view k_role = R"({"choices":[{"delta":{"role":"assistant","content":""}}]})";
  constexpr std::string_view k_word = R"({"choices":[{"delta":{"content":"hi"}}]})";
  EXPECT_EQ(unseen(k_role, 0), 3000);
  EXPECT_EQ(unseen(k_role, 4000), 4000);
  EXPECT_EQ(unseen(k_word, 1), 1) << "what came is what was made";
}

// Four bytes a token are no bound of a text of rare characters: who is limited pays for what it may have come to.
TEST_F(PricedRequestTest, UntoldInputOfAnEarlyEndIsWhatIsReserved) {
  const auto most = request_.ceiling(terms())->input_tokens();
  auto meter = dialect::meter_of(Endpoint::chat_completions, dialect::UsageEvent::forward);
  const auto unseen = [&] {
    dialect::Usage usage{.input_tokens = 100};
    request_.add_unseen(meter, std::chrono::milliseconds(0), 1000, usage);
    return usage.input_tokens;
  };
  EXPECT_EQ(unseen(), 100) << "nothing is reserved: an estimate";
  const billing::ReservationSize reservation{base::Credits::from_nano(1), 700, true, true};
  request_.reservation = &reservation;
  EXPECT_EQ(unseen(), most);
  EXPECT_EQ(request_.unanswered().input_tokens, most);
  EXPECT_EQ(request_.made_in(std::chrono::milliseconds(0), 1000).input_tokens, most);
  scan_.images = 2;
  price_.image_tokens = 1000;
  EXPECT_EQ(unseen(), most + 2000);
  auto told = dialect::meter_of(Endpoint::messages, dialect::UsageEvent::forward);
  constexpr std::string_view k_start = R"({"type":"message_start","message":{"usage":{"input_tokens":7}}})";
  told.observe({k_start, "message_start", k_start});
  dialect::Usage usage{.input_tokens = 7};
  request_.add_unseen(told, std::chrono::milliseconds(0), 1000, usage);
  EXPECT_EQ(usage.input_tokens, 7) << "it was told";
}

TEST_F(PricedRequestTest, FilesAreEstimatedByTheirLengthWithinTheContext) {
  request_.endpoint = Endpoint::audio_transcriptions;
  request_.told_bytes = 256'000;
  EXPECT_EQ(request_.estimated_input(), billing::estimated_media_tokens(256'000));
  price_.context_tokens = 10;
  EXPECT_EQ(request_.estimated_input(), 10);
}

TEST_F(PricedRequestTest, ImagesThatWereNotToldCountAsAskedFor) {
  request_.endpoint = Endpoint::images_generations;
  price_.per_image = base::Credits::from_nano(40'000'000);
  scan_.choices = 2;
  const dialect::Meter meter = dialect::meter_of(request_.endpoint, dialect::UsageEvent::forward);
  std::uint32_t flags = 0;
  EXPECT_EQ(request_.used(meter, 0, flags).images, 2);
  EXPECT_EQ(flags, ledger::k_estimated);
}

TEST_F(PricedRequestTest, AnthropicTellsItsInputFirst) {
  request_.endpoint = Endpoint::messages;
  dialect::Meter meter = dialect::meter_of(request_.endpoint, dialect::UsageEvent::forward);
  http::message::SseSplitter splitter(4096);
  ASSERT_TRUE(
      splitter.push("event: message_start\ndata: "
                    R"({"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}})"
                    "\n\n"));
  while (const auto event = splitter.next()) meter.observe(*event);
  std::uint32_t flags = 0;
  const auto usage = request_.used(meter, 0, flags);
  EXPECT_EQ(usage.input_tokens, 9) << "only the output is a guess";
}

TEST_F(PricedRequestTest, WithoutAPriceNothingIsCharged) {
  dialect::Usage usage;
  usage.input_tokens = 5;
  EXPECT_EQ(request_.cost(usage).nano(), 5000);
  request_.price = nullptr;
  EXPECT_EQ(request_.cost(usage), base::Credits());
}

}  // namespace
}  // namespace cr::relay::request
