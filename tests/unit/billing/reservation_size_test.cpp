// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "billing/price.h"

namespace cr::billing {
namespace {

using base::Credits;

// 1 nano-dollar an input token, 2 an output token: amounts are counts.
ReservationTerms terms(std::int64_t input_tokens, std::optional<std::int64_t> client_bound = {},
                       std::optional<std::int64_t> max_output = {}) {
  ReservationTerms made;
  made.price.input = made.price.cached_input = made.price.cache_write = Rate{1'000'000};
  made.price.output = Rate{2'000'000};
  made.price.max_output_tokens = max_output;
  made.input_tokens = input_tokens;
  made.client_bound = client_bound;
  return made;
}

struct Expected {
  std::int64_t amount;
  std::int64_t bound;
  bool write;
  bool lowered;
};

void expect_hold(const ReservationTerms& given, std::int64_t available, std::optional<Expected> expected,
                 const char* what) {
  const auto size = size_reservation(given, Credits::from_nano(available));
  ASSERT_EQ(size.has_value(), expected.has_value()) << what;
  if (!size) return;
  EXPECT_EQ(size->amount.nano(), expected->amount) << what;
  EXPECT_EQ(size->output_bound, expected->bound) << what;
  EXPECT_EQ(size->write_bound, expected->write) << what;
  EXPECT_EQ(size->lowered, expected->lowered) << what;
}

// What of a size fits less than it was made for.
TEST(ReservationSize, ShrinksWhereItsBoundIsCrdsOwn) {
  const auto shrunk = [](const ReservationTerms& given, std::int64_t available) {
    const auto size = size_reservation(given, Credits::from_nano(1'000'000));
    return shrink_reservation(given, *size, Credits::from_nano(available));
  };
  const auto own = terms(100, {}, 16'384);
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
  EXPECT_FALSE(shrunk(terms(100, 16'384), 30'000)) << "the client's own bound";
  EXPECT_TRUE(shrunk(terms(100, 16'384), 32'868));
  auto embeddings = terms(100);
  embeddings.endpoint = dialect::Endpoint::embeddings;
  EXPECT_FALSE(shrunk(embeddings, 99));
  EXPECT_TRUE(shrunk(embeddings, 100));
}

ReservationTerms refusing(ReservationTerms given) {
  given.when_low = WhenLow::refuse;
  return given;
}

TEST(ReservationSize, ClientGaveABound) {
  expect_hold(terms(100, 50), 1000, Expected{200, 50, false, false}, "affordable");
  expect_hold(terms(100, 50), 200, Expected{200, 50, false, false}, "to the last nano-dollar");
  expect_hold(terms(100, 50), 199, Expected{198, 49, true, true}, "one short");
  expect_hold(terms(100, 50), 132, Expected{132, 16, true, true}, "the least");
  expect_hold(terms(100, 50), 131, std::nullopt, "below the least");
  expect_hold(terms(100, 50), 99, std::nullopt, "not even the input");
  expect_hold(terms(100, 50), 0, std::nullopt, "nothing left");
  expect_hold(terms(100, 50), -5, std::nullopt, "overdrawn");
  expect_hold(terms(100, 10), 120, Expected{120, 10, false, false}, "a bound below the least, affordable");
  expect_hold(terms(100, 10), 119, std::nullopt, "a bound below the least, not affordable");
  expect_hold(terms(100, 0), 100, Expected{100, 0, false, false}, "no output asked for");
  expect_hold(terms(100, 5000, 50), 200, Expected{200, 50, false, false}, "above the model's limit");
  expect_hold(terms(100, 5000, 50), 180, Expected{180, 40, true, true}, "above the model's limit, and low");
  expect_hold(refusing(terms(100, 50)), 200, Expected{200, 50, false, false}, "refuse, affordable");
  expect_hold(refusing(terms(100, 50)), 199, std::nullopt, "refuse");
}

TEST(ReservationSize, ClientGaveNoBound) {
  expect_hold(terms(100), 100'000, Expected{100 + 2 * 12'500, 12'500, true, false}, "a quarter of what is left");
  expect_hold(terms(100), 20'000, Expected{100 + 2 * 4096, 4096, true, false}, "at least the default");
  expect_hold(terms(100), 8292, Expected{8292, 4096, true, false}, "just the default");
  expect_hold(terms(100), 8290, Expected{8290, 4095, true, true}, "one below the default");
  expect_hold(terms(100), 132, Expected{132, 16, true, true}, "the least");
  expect_hold(terms(100), 131, std::nullopt, "below the least");
  expect_hold(terms(100, {}, 1000), 1'000'000, Expected{2100, 1000, true, false}, "the model's limit");
  expect_hold(terms(100, {}, 1000), 2098, Expected{2098, 999, true, true}, "below the model's limit");
  expect_hold(terms(100, {}, 8), 116, Expected{116, 8, true, false}, "a model that says less than the least");
  expect_hold(refusing(terms(100)), 8292, Expected{8292, 4096, true, false}, "refuse, the default affordable");
  expect_hold(refusing(terms(100)), 8290, std::nullopt, "refuse below the default");
  expect_hold(refusing(terms(100, {}, 1000)), 2100, Expected{2100, 1000, true, false},
              "refuse, the model's limit affordable");
  expect_hold(refusing(terms(100, {}, 1000)), 2098, std::nullopt, "refuse below the model's limit");
  // 4096 and more affordable, but less than the quarter's worth beside the input: still a whole answer.
  expect_hold(terms(100'000), 130'000, Expected{130'000, 15'000, true, false}, "dear input");
}

TEST(ReservationSize, KeepsWhatCrdWritesWithinTheContext) {
  ReservationTerms given = terms(3000);
  given.price.context_tokens = 10'000;
  expect_hold(given, 1'000'000, Expected{3000 + 14'000, 7000, true, false}, "the room beside the input");
  given.input_tokens = 9000;
  expect_hold(given, 1'000'000, Expected{9000 + 8192, 4096, true, false}, "the ceiling of the input is not its size");
  given.price.context_tokens = 2000;
  expect_hold(given, 1'000'000, Expected{9000 + 4000, 2000, true, false}, "a small context");
  given.price.max_output_tokens = 500;
  expect_hold(given, 1'000'000, Expected{9000 + 1000, 500, true, false}, "and a limit");
}

TEST(ReservationSize, ChoicesMultiply) {
  ReservationTerms given = terms(100, 50);
  given.choices = 3;
  expect_hold(given, 1000, Expected{400, 50, false, false}, "affordable");
  expect_hold(given, 399, Expected{394, 49, true, true}, "low");
  expect_hold(given, 195, std::nullopt, "below the least for each");
}

TEST(ReservationSize, FreeOutput) {
  ReservationTerms given = terms(100, 50);
  given.price.output = Rate{};
  expect_hold(given, 100, Expected{100, 50, false, false}, "with a bound");
  given.client_bound.reset();
  expect_hold(given, 100, Expected{100, 0, false, false}, "no bound needed");
  given.price.max_output_tokens = 700;
  expect_hold(given, 100, Expected{100, 700, true, false}, "the model's limit");
  expect_hold(given, 99, std::nullopt, "input is not free");
  given.price = {};
  expect_hold(given, 0, Expected{0, 0, false, false}, "all free, nothing left");
  expect_hold(given, -1, std::nullopt, "overdrawn");
  ReservationTerms gift = terms(100, 50);
  gift.multiplier = Multiplier{0};
  expect_hold(gift, 0, Expected{0, 50, false, false}, "multiplier 0");
}

TEST(ReservationSize, NoOutputAtAll) {
  ReservationTerms given = terms(100);
  given.endpoint = dialect::Endpoint::embeddings;
  expect_hold(given, 100, Expected{100, 0, false, false}, "affordable");
  expect_hold(given, 99, std::nullopt, "not");
}

TEST(ReservationSize, CountsEveryInputTokenAtTheDearestRate) {
  ReservationTerms given = terms(100, 0);
  given.price.cache_write = Rate{3'000'000};
  expect_hold(given, 1000, Expected{300, 0, false, false}, "cache write");
  given.price.cached_input = Rate{4'000'000};
  expect_hold(given, 1000, Expected{400, 0, false, false}, "cached");
}

TEST(ReservationSize, Saturates) {
  ReservationTerms given = terms(std::numeric_limits<std::int64_t>::max(), 50);
  given.price.input = Rate{1'000'000'000'000'000};
  given.choices = std::numeric_limits<std::int64_t>::max();
  given.multiplier = Multiplier{1'000'000'000};
  EXPECT_EQ(size_reservation(given, Credits::from_nano(1'000'000'000)), std::nullopt);
}

TEST(InputCeiling, IsTheBytesAndAnOverhead) {
  dialect::RequestScan scan;
  EXPECT_EQ(input_tokens_ceiling(1000, scan), 1064);
  scan.messages = 3;
  EXPECT_EQ(input_tokens_ceiling(1000, scan), 1112);
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

ReservationTerms any_terms(Chance& chance) {
  ReservationTerms given;
  given.price = {
      chance.rate(), chance.rate(), chance.rate(), chance.rate(), Credits::from_nano(chance.below(1000)), {}, {}};
  if (chance.one_in(2)) given.price.max_output_tokens = 1 + chance.below(20'000);
  if (chance.one_in(2)) given.price.context_tokens = 1 + chance.below(100'000);
  given.multiplier = Multiplier{chance.one_in(10) ? 0 : chance.below(4'000'000)};
  given.endpoint = chance.one_in(6) ? dialect::Endpoint::embeddings : dialect::Endpoint::chat_completions;
  given.input_tokens = chance.below(50'000);
  given.choices = 1 + chance.below(4);
  if (chance.one_in(2)) given.client_bound = 1 + chance.below(30'000);
  given.when_low = chance.one_in(3) ? WhenLow::refuse : WhenLow::clamp;
  return given;
}

dialect::Usage any_usage(Chance& chance, const ReservationTerms& given, std::int64_t output_most) {
  dialect::Usage usage;
  usage.input_tokens = chance.one_in(3) ? given.input_tokens : chance.below(given.input_tokens + 1);
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
    const ReservationTerms given = any_terms(chance);
    const Credits available = Credits::from_nano(chance.below(chance.one_in(2) ? 10'000 : 2'000'000'000));
    const auto size = size_reservation(given, available);
    if (!size) continue;
    ++held;
    ASSERT_LE(size->amount, available);
    ASSERT_GE(size->amount.nano(), 0);
    const bool output = dialect::has_output(given.endpoint);
    // What the forwarded request lets the model say.
    std::int64_t bound = size->write_bound ? size->output_bound : given.client_bound.value_or(1'000'000);
    if (!size->write_bound && given.client_bound)
      bound = std::min(bound, given.price.max_output_tokens.value_or(bound));
    for (int answer = 0; answer < 5; ++answer) {
      const dialect::Usage usage = any_usage(chance, given, output ? bound * given.choices : 0);
      ASSERT_LE(cost(given.price, given.multiplier, usage), size->amount)
          << "round " << round << " bound " << bound << " held " << size->output_bound;
    }
    if (size->lowered) {
      ASSERT_TRUE(size->write_bound);
      ASSERT_GE(size->output_bound, std::min<std::int64_t>(k_least_output_tokens, bound));
      // One token more would not have been affordable.
      dialect::Usage more{given.input_tokens, 0, 0, (size->output_bound + 1) * given.choices};
      Price dearest = given.price;
      dearest.input = std::max({dearest.input, dearest.cached_input, dearest.cache_write});
      ASSERT_GT(cost(dearest, given.multiplier, more), available);
      ASSERT_EQ(given.when_low, WhenLow::clamp);
    }
  }
  EXPECT_GT(held, 10'000);
}

}  // namespace
}  // namespace cr::billing
