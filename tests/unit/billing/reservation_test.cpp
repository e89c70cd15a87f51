// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "billing/price_rules.h"
#include "billing/reservation.h"

namespace cr::billing {
namespace {

using base::Credits;

// A request by one route.
struct Given {
  Price price;
  Multiplier multiplier;
  RequestTerms request;
  dialect::RequestScan scan;
  std::size_t body_bytes = 0;
  ReservationTerms terms() const {
    const auto route = RouteCeiling::of(price, multiplier, request, {.scan = &scan}, body_bytes);
    EXPECT_TRUE(route);
    return {request, {route.value_or(RouteCeiling())}};
  }
};

// 1 nano-dollar an input token, 2 an output token: amounts are counts.
Given given_of(std::int64_t input_tokens, std::optional<std::int64_t> client_bound = {},
               std::optional<std::int64_t> max_output = {}) {
  Given made;
  made.price.input = made.price.cached_input = made.price.cache_write = Rate{1'000'000};
  made.price.output = Rate{2'000'000};
  made.price.max_output_tokens = max_output;
  made.request.text_tokens = input_tokens;
  made.request.client_bound = client_bound;
  made.request.clamp_floor = 16;
  return made;
}

struct Expected {
  std::int64_t amount;
  std::int64_t bound;
  bool write;
  bool lowered;
};

void expect_hold(const Given& given, std::int64_t available, std::optional<Expected> expected, const char* what) {
  const auto size = size_reservation(given.terms(), Credits::from_nano(available));
  ASSERT_EQ(size.has_value(), expected.has_value()) << what;
  if (!size) return;
  EXPECT_EQ(size->amount.nano(), expected->amount) << what;
  EXPECT_EQ(size->output_bound, expected->bound) << what;
  EXPECT_EQ(size->write_bound, expected->write) << what;
  EXPECT_EQ(size->lowered, expected->lowered) << what;
}

// What of a size fits less than it was made for.
TEST(ReservationSize, ShrinksWhereItsBoundIsCrdsOwn) {
  const auto shrunk = [](const Given& given, std::int64_t available) {
    const auto size = size_reservation(given.terms(), Credits::from_nano(1'000'000));
    return shrink_reservation(given.terms(), *size, Credits::from_nano(available));
  };
  const auto own = given_of(100, {}, 16'384);
  const auto whole = shrunk(own, 32'868);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->output_bound, 16'384);
  for (const std::int64_t available : {32'867, 20'000, 8'292}) {
    const auto less = shrunk(own, available);
    ASSERT_TRUE(less) << available;
    EXPECT_LE(less->amount.nano(), available);
    EXPECT_EQ(less->output_bound, (available - 100) / 2);
    EXPECT_TRUE(less->write_bound);
    EXPECT_FALSE(less->lowered);
  }
  EXPECT_FALSE(shrunk(own, 8'291)) << "below what crd usually writes";
  EXPECT_FALSE(shrunk(own, 0));
  EXPECT_FALSE(shrunk(own, -7));
  EXPECT_FALSE(shrunk(given_of(100, 16'384), 30'000)) << "the client's own bound";
  EXPECT_TRUE(shrunk(given_of(100, 16'384), 32'868));
  auto embeddings = given_of(100);
  embeddings.request.endpoint = dialect::Endpoint::embeddings;
  EXPECT_FALSE(shrunk(embeddings, 99));
  EXPECT_TRUE(shrunk(embeddings, 100));
}

Given refusing(Given given) {
  given.request.when_low = WhenLow::refuse;
  return given;
}

TEST(ReservationSize, ClientGaveABound) {
  expect_hold(given_of(100, 50), 1000, Expected{200, 50, false, false}, "affordable");
  expect_hold(given_of(100, 50), 200, Expected{200, 50, false, false}, "to the last nano-dollar");
  expect_hold(given_of(100, 50), 199, Expected{198, 49, true, true}, "one short");
  expect_hold(given_of(100, 50), 132, Expected{132, 16, true, true}, "the least");
  expect_hold(given_of(100, 50), 131, std::nullopt, "below the least");
  expect_hold(given_of(100, 50), 99, std::nullopt, "not even the input");
  expect_hold(given_of(100, 50), 0, std::nullopt, "nothing left");
  expect_hold(given_of(100, 50), -5, std::nullopt, "overdrawn");
  expect_hold(given_of(100, 10), 120, Expected{120, 10, false, false}, "a bound below the least, affordable");
  expect_hold(given_of(100, 10), 119, std::nullopt, "a bound below the least, not affordable");
  expect_hold(given_of(100, 0), 102, Expected{102, 1, false, false},
              "none asked for: what comes of it is the provider's");
  expect_hold(given_of(100, 5000, 50), 200, Expected{200, 50, false, false}, "above the model's limit");
  expect_hold(given_of(100, 5000, 50), 180, Expected{180, 40, true, true}, "above the model's limit, and low");
  expect_hold(refusing(given_of(100, 50)), 200, Expected{200, 50, false, false}, "refuse, affordable");
  expect_hold(refusing(given_of(100, 50)), 199, std::nullopt, "refuse");
}

TEST(ReservationSize, ClientGaveNoBound) {
  const auto k_default = k_default_output_tokens;
  expect_hold(given_of(100), 1'000'000, Expected{100 + 2 * k_default, k_default, true, false}, "what a model may say");
  expect_hold(given_of(100), 100'000, Expected{100 + 2 * 12'500, 12'500, true, false}, "a quarter of what is left");
  expect_hold(given_of(100), 20'000, Expected{100 + 2 * 4096, 4096, true, false}, "at least that");
  expect_hold(given_of(100), 8292, Expected{8292, 4096, true, false}, "just that");
  expect_hold(given_of(100), 8290, Expected{8290, 4095, true, true}, "one below");
  expect_hold(given_of(100), 132, Expected{132, 16, true, true}, "the floor");
  expect_hold(given_of(100), 131, std::nullopt, "below the floor");
  expect_hold(given_of(100, {}, 1000), 1'000'000, Expected{2100, 1000, true, false}, "the model's limit");
  expect_hold(given_of(100, {}, 1000), 2098, Expected{2098, 999, true, true}, "below the model's limit");
  expect_hold(given_of(100, {}, 8), 116, Expected{116, 8, true, false}, "a model that says less than the floor");
  expect_hold(refusing(given_of(100)), 8292, Expected{8292, 4096, true, false}, "refuse, the least affordable");
  expect_hold(refusing(given_of(100)), 8290, std::nullopt, "refuse below it");
  expect_hold(refusing(given_of(100, {}, 1000)), 2098, std::nullopt, "refuse below the model's limit");
  // More affordable than the least, but less than the quarter's worth beside the input: still a whole answer.
  expect_hold(given_of(100'000), 130'000, Expected{130'000, 15'000, true, true}, "dear input");
}

// What crd writes only lowers: a request whose bound is the model's own limit goes out as it came.
TEST(ReservationSize, ABoundIsWrittenOnlyToLower) {
  const auto size = size_reservation(given_of(100, {}, 1000).terms(), Credits::from_nano(1'000'000));
  ASSERT_TRUE(size);
  EXPECT_FALSE(must_write_bound(*size, 1000));
  EXPECT_TRUE(must_write_bound(*size, 1001));
  EXPECT_TRUE(must_write_bound(*size, std::nullopt)) << "nobody knows where the model would stop";
  const auto given = size_reservation(given_of(100, 50).terms(), Credits::from_nano(1000));
  ASSERT_TRUE(given);
  EXPECT_FALSE(must_write_bound(*given, std::nullopt)) << "the client's own";
}

TEST(ReservationSize, ThePriceSaysWhatARequestWithoutABoundComesTo) {
  auto given = given_of(100, {}, 128'000);
  given.price.default_output_tokens = 5000;
  expect_hold(given, 1'000'000, Expected{100 + 2 * 5000, 5000, true, false}, "not the longest answer");
  given.price.default_output_tokens = 500'000;
  expect_hold(given, 10'000'000, Expected{100 + 2 * 128'000, 128'000, true, false}, "nor more than it");
}

TEST(ReservationSize, AModelThatThinksIsLeftRoomToThink) {
  auto given = given_of(100, {}, 64'000);
  given.price.thinks = true;
  expect_hold(given, 8292, Expected{8292, 4096, true, false}, "the least");
  expect_hold(given, 8290, std::nullopt, "less would be spent on thoughts alone");
  given.request.client_bound = 1000;
  expect_hold(given, 2100, Expected{2100, 1000, false, false}, "the client's own, which it may choose");
  expect_hold(given, 2098, std::nullopt, "its own smaller bound is the floor");
}

// What the model thinks is billed as output, and its bound counts none of it.
TEST(ReservationSize, ThinkingBeyondTheBoundIsReservedBesideIt) {
  auto given = given_of(100, 1000, 64'000);
  given.price.thinking_tokens = 20'000;
  expect_hold(given, 1'000'000, Expected{100 + 2 * 21'000, 1000, false, false}, "the client's bound, and the thoughts");
  expect_hold(given, 100 + 2 * 20'500, Expected{100 + 2 * 20'500, 500, true, true}, "a lower bound leaves them");
  expect_hold(given, 100 + 2 * 20'000, std::nullopt, "no bound makes them fewer");
  given.request.client_bound = 60'000;
  expect_hold(given, 1'000'000, Expected{100 + 2 * 64'000, 44'000, false, false}, "the longest answer has both in it");
  given.request.client_bound.reset();
  expect_hold(given, 1'000'000, Expected{100 + 2 * 64'000, 44'000, true, false}, "without a bound");
  const auto size = size_reservation(given.terms(), base::Credits::from_nano(1'000'000));
  EXPECT_FALSE(must_write_bound(*size, longest_bound(given.price))) << "it lowers nothing";
  given.price.max_output_tokens.reset();
  given.request.client_bound = 1000;
  expect_hold(given, 1'000'000, Expected{100 + 2 * 21'000, 1000, false, false}, "no longest answer is known");
  EXPECT_EQ(most_output(given.price, 1000), 21'000);
  EXPECT_EQ(longest_bound(given.price), std::nullopt);
}

TEST(ReservationSize, IsAboveTheThinkingBudget) {
  auto given = given_of(100, 48'000, 64'000);
  given.request.thinking_budget = 16'000;
  expect_hold(given, 96'100, Expected{96'100, 48'000, false, false}, "whole");
  expect_hold(given, 100 + 2 * 16'001, Expected{100 + 2 * 16'001, 16'001, true, true}, "one above the budget");
  expect_hold(given, 100 + 2 * 16'000, std::nullopt, "at the budget a provider refuses it");
}

// Input and output together fit the context: of a long input less is left for the answer, and that is no bound.
TEST(ReservationSize, IsTheDearestSplitOfTheContext) {
  auto given = given_of(3000, {}, 128'000);
  given.price.context_tokens = 10'000;
  given.price.max_output_tokens = 8000;
  expect_hold(given, 10'000'000, Expected{2000 + 2 * 8000, 8000, true, false}, "output is dearer: all of it");
  given.price.output = Rate{500'000};
  expect_hold(given, 10'000'000, Expected{3000 + 3500, 8000, true, false}, "input is dearer: all of that");
  given.request.outside_input = true;
  given.price.output = Rate{2'000'000};
  expect_hold(given, 10'000'000, Expected{2000 + 2 * 8000, 8000, true, false}, "what is brought in fills the rest");
  given.request.text_tokens = 50'000;
  given.request.outside_input = false;
  expect_hold(given, 10'000'000, Expected{2000 + 2 * 8000, 8000, true, false}, "bytes may be more than tokens can");
}

TEST(ReservationSize, PicturesAndSoundAreBoundedByThePrice) {
  auto given = given_of(100, 50);
  given.request.images = 2;
  EXPECT_FALSE(RouteCeiling::of(given.price, given.multiplier, given.request, {}, 0)) << "nobody knows how many tokens";
  given.price.image_tokens = 1600;
  expect_hold(given, 1'000'000, Expected{100 + 3200 + 100, 50, false, false}, "the most of each");
  given.price.other.image_input = Rate{5'000'000};
  expect_hold(given, 1'000'000, Expected{100 + 5 * 3200 + 100, 50, false, false}, "at their own rate");
  given.request.sound_tokens = 10;
  given.price.other.audio_input = Rate{40'000'000};
  given.price.other.audio_output = Rate{80'000'000};
  expect_hold(given, 1'000'000, Expected{100 + 5 * 3200 + 400 + 100, 50, false, false}, "sound, too");
  given.request.wants_sound = true;
  expect_hold(given, 1'000'000, Expected{100 + 5 * 3200 + 400 + 80 * 50, 50, false, false}, "and in the answer");
}

TEST(ReservationSize, LongInputIsHeldAtTheRatesOfItsLength) {
  auto given = given_of(1000, 50);
  given.price.rules = parse_rules(R"([{"input_over":900,"input":"0.002","output":"0.001"}])").value();
  // Up to 900 the input is 900 and the output 2 each; above it is 2000 and the output 1.
  expect_hold(given, 1'000'000, Expected{2050, 50, false, false}, "above the step");
  given.request.text_tokens = 900;
  expect_hold(given, 1'000'000, Expected{1000, 50, false, false}, "not above it");
  given.request.text_tokens = 901;
  given.request.client_bound = 2000;
  expect_hold(given, 1'000'000, Expected{900 + 4000, 2000, false, false}, "below the step can be the dearer side");
}

TEST(ReservationSize, MembersOfTheRequestAreHeldByTheirRule) {
  auto given = given_of(100, 50);
  given.price.rules =
      parse_rules(R"([{"request":"/service_tier","answer":"/service_tier","is":["priority"],"factor":"2"},
                                      {"request":"/service_tier","answer":"/service_tier","is":["flex"],"factor":"0.5"}])")
          .value();
  expect_hold(given, 1'000'000, Expected{200, 50, false, false}, "absent");
  given.scan.members = {{"/service_tier", "priority"}};
  expect_hold(given, 1'000'000, Expected{400, 50, false, false}, "dearer");
  given.scan.members = {{"/service_tier", "flex"}};
  expect_hold(given, 1'000'000, Expected{200, 50, false, false}, "cheaper only once the response confirms it");
}

TEST(ReservationSize, ToolsOfTheProviderAreHeldByTheirFeeAndWhatTheyBring) {
  auto given = given_of(100, 50);
  given.price.context_tokens = 1'000'000;
  given.scan.provider_tools = {{"web_search_20250305", 5}};
  expect_hold(given, 10'000'000, Expected{1'000'000 - 50 + 100, 50, false, false}, "without a rule: up to the context");
  given.price.rules =
      parse_rules(R"([{"tool":"web_search","count":"/usage/n","fee":"0.00001","most":8,"brings":1000}])").value();
  expect_hold(given, 10'000'000, Expected{100 + 1000 + 100 + 5 * 10'000, 50, false, false}, "as often as it says");
  given.scan.provider_tools = {{"web_search", {}}};
  expect_hold(given, 10'000'000, Expected{100 + 1000 + 100 + 8 * 10'000, 50, false, false}, "as the rule says");
  given.scan.max_tool_calls = 2;
  expect_hold(given, 10'000'000, Expected{100 + 1000 + 100 + 2 * 10'000, 50, false, false}, "as all tools may");
}

// Every route that may be tried counts; those that the credit does not carry are left out first.
TEST(ReservationSize, IsTheDearestRoutesThatTheCreditCarries) {
  const auto cheap = given_of(100, 50);
  auto dear = given_of(100, 50);
  dear.multiplier = Multiplier{10'000'000};
  ReservationTerms both{cheap.request, {cheap.terms().routes[0], dear.terms().routes[0]}};
  const auto size = [&](std::int64_t available) { return size_reservation(both, Credits::from_nano(available)); };
  ASSERT_TRUE(size(2000));
  EXPECT_EQ(size(2000)->amount.nano(), 2000);
  EXPECT_TRUE(carries(*size(2000), both.routes[1]));
  ASSERT_TRUE(size(1999));
  EXPECT_EQ(size(1999)->amount.nano(), 200);
  EXPECT_FALSE(size(1999)->lowered);
  EXPECT_TRUE(carries(*size(1999), both.routes[0]));
  EXPECT_FALSE(carries(*size(1999), both.routes[1]));
  ASSERT_TRUE(size(150));
  EXPECT_TRUE(size(150)->lowered);
  EXPECT_EQ(size(150)->output_bound, 25);
}

TEST(ReservationSize, ChoicesMultiply) {
  Given given = given_of(100, 50);
  given.request.choices = 3;
  expect_hold(given, 1000, Expected{400, 50, false, false}, "affordable");
  expect_hold(given, 399, Expected{394, 49, true, true}, "low");
  expect_hold(given, 195, std::nullopt, "below the least for each");
}

TEST(ReservationSize, FreeOutput) {
  Given given = given_of(100, 50);
  given.price.output = Rate{};
  expect_hold(given, 100, Expected{100, 50, false, false}, "with a bound");
  given.request.client_bound.reset();
  expect_hold(given, 100, Expected{100, 0, false, false}, "no bound needed");
  given.price.max_output_tokens = 700;
  expect_hold(given, 100, Expected{100, 0, false, false}, "nor is there anything to lower");
  expect_hold(given, 99, std::nullopt, "input is not free");
  given.price = {};
  expect_hold(given, 0, Expected{0, 0, false, false}, "all free, nothing left");
  expect_hold(given, -1, std::nullopt, "overdrawn");
  Given gift = given_of(100, 50);
  gift.multiplier = Multiplier{0};
  expect_hold(gift, 0, Expected{0, 50, false, false}, "multiplier 0");
}

TEST(ReservationSize, NoOutputAtAll) {
  Given given = given_of(100);
  given.request.endpoint = dialect::Endpoint::embeddings;
  expect_hold(given, 100, Expected{100, 0, false, false}, "affordable");
  expect_hold(given, 99, std::nullopt, "not");
}

TEST(ReservationSize, CountsEveryInputTokenAtTheDearestRate) {
  Given given = given_of(100, 1);
  given.price.cache_write = Rate{3'000'000};
  expect_hold(given, 1000, Expected{302, 1, false, false}, "cache write");
  given.price.cached_input = Rate{4'000'000};
  expect_hold(given, 1000, Expected{402, 1, false, false}, "cached");
}

TEST(ReservationSize, Saturates) {
  Given given = given_of(std::numeric_limits<std::int64_t>::max(), 50);
  given.price.input = Rate{1'000'000'000'000'000};
  given.request.choices = std::numeric_limits<std::int64_t>::max();
  given.multiplier = Multiplier{1'000'000'000};
  EXPECT_EQ(size_reservation(given.terms(), Credits::from_nano(1'000'000'000)), std::nullopt);
}

TEST(InputCeiling, IsTheBytesAndAnOverhead) {
  dialect::RequestScan scan;
  EXPECT_EQ(text_tokens_ceiling(1000, scan), 1064);
  scan.messages = 3;
  EXPECT_EQ(text_tokens_ceiling(1000, scan), 1112);
}

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(limit));
  }
  bool one_in(int count) { return below(count) == 0; }
  Rate rate() { return Rate{one_in(8) ? 0 : below(one_in(4) ? 100'000'000'000 : 10'000)}; }

 private:
  std::mt19937_64 random_;
};

Given any_terms(Chance& chance) {
  Given given;
  given.price = {
      chance.rate(), chance.rate(), chance.rate(), chance.rate(), Credits::from_nano(chance.below(1000)), {}, {}};
  if (chance.one_in(2)) given.price.max_output_tokens = 1 + chance.below(20'000);
  if (chance.one_in(2)) given.price.context_tokens = 1 + chance.below(100'000);
  given.multiplier = Multiplier{chance.one_in(10) ? 0 : chance.below(4'000'000)};
  given.request.endpoint = chance.one_in(6) ? dialect::Endpoint::embeddings : dialect::Endpoint::chat_completions;
  given.request.text_tokens = chance.below(50'000);
  given.request.choices = 1 + chance.below(4);
  if (chance.one_in(2)) given.request.client_bound = 1 + chance.below(30'000);
  given.request.when_low = chance.one_in(3) ? WhenLow::refuse : WhenLow::clamp;
  return given;
}

dialect::Usage any_usage(Chance& chance, const Given& given, std::int64_t output_most) {
  dialect::Usage usage;
  usage.input_tokens = chance.one_in(3) ? given.request.text_tokens : chance.below(given.request.text_tokens + 1);
  usage.cached_tokens = chance.one_in(3) ? usage.input_tokens : chance.below(usage.input_tokens + 1);
  usage.cache_write_tokens = usage.input_tokens - usage.cached_tokens;
  if (chance.one_in(2)) usage.cache_write_tokens = chance.below(usage.cache_write_tokens + 1);
  usage.output_tokens = chance.one_in(2) ? output_most : chance.below(output_most + 1);
  return usage;
}

// The promise: what is held is there, and no answer within the bounds costs more.
TEST(ReservationSize, NoAnswerWithinTheBoundsCostsMore) {
  Chance chance(5);
  int held = 0;
  for (int round = 0; round < 100'000; ++round) {
    const Given given = any_terms(chance);
    const Credits available = Credits::from_nano(chance.below(chance.one_in(2) ? 10'000 : 2'000'000'000));
    const auto size = size_reservation(given.terms(), available);
    if (!size) continue;
    ++held;
    ASSERT_LE(size->amount, available);
    ASSERT_GE(size->amount.nano(), 0);
    const bool output = dialect::has_output(given.request.endpoint);
    // What the forwarded request lets the model say, within its context.
    const auto longest = given.price.max_output_tokens.value_or(1'000'000);
    std::int64_t bound = std::min(std::max<std::int64_t>(given.request.client_bound.value_or(longest), 1), longest);
    if (must_write_bound(*size, given.price.max_output_tokens)) bound = size->output_bound;
    for (int answer = 0; answer < 5; ++answer) {
      auto usage = any_usage(chance, given, output ? bound * given.request.choices : 0);
      if (given.price.context_tokens) {
        usage.input_tokens = std::min(usage.input_tokens, *given.price.context_tokens);
        const auto room = *given.price.context_tokens - usage.input_tokens;
        usage.output_tokens = std::min(usage.output_tokens, room * given.request.choices);
      }
      ASSERT_LE(cost(given.price, given.multiplier, usage), size->amount)
          << "round " << round << " bound " << bound << " held " << size->output_bound;
    }
    if (size->lowered) {
      ASSERT_TRUE(size->write_bound);
      ASSERT_GE(size->output_bound, std::min<std::int64_t>(given.request.clamp_floor, bound));
      // One token more would not have been affordable.
      ASSERT_GT(given.terms().routes[0].amount(size->output_bound + 1), available);
      ASSERT_EQ(given.request.when_low, WhenLow::clamp);
    }
  }
  EXPECT_GT(held, 10'000);
}

}  // namespace
}  // namespace cr::billing
