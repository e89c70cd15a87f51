// SPDX-License-Identifier: MIT
// What tokens' failures do to a channel that may be their own requests' fault: to themselves, and to others.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "relay/routing/circuit_breaker.h"

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;
using State = Availability::State;
using Kind = Observation::Kind;

const Observation k_good{Kind::answered, 200};
const Observation k_failed{Kind::failed, 500, {}, {}, true};
const Observation k_limited{Kind::rate_limited, 429, {}, {}, true};
const Observation k_forbidden{Kind::key_refused, 403, {}, {}, true};
const Observation k_no_credit{Kind::key_refused, 400, {}, {}, true, true};

class CircuitBreakerWords : public testing::Test {
 protected:
  CircuitBreakerWords() {
    record_.id = base::ChannelId{7};
    record_.rev = 1;
    record_.name = "one";
    set_keys(1);
  }
  void set_keys(std::size_t count) { record_.keys.assign(count, nullptr); }
  Availability look(const Asker& asker, std::string_view model = "m") {
    return breaker_.look(record_, model, now_, asker);
  }
  // As the request path does it. False: it was not sent.
  std::optional<BreakerChange> send(const Asker& asker, const Observation& observation, std::string_view model = "m") {
    const auto claim = breaker_.claim(record_, model, now_, {asker, {}, true});
    if (!claim) return std::nullopt;
    const auto change = breaker_.report(*claim, observation, now_);
    if (observation.kind == Kind::answered) breaker_.finished(*claim, CircuitBreaker::Finish::whole, 1, 2, now_);
    return change;
  }

  CircuitBreaker breaker_;
  ledger::ChannelRecord record_;
  base::SteadyTime now_ = base::steady_now();
  const Asker bad_{base::TokenId{1}, base::AccountId{1}, false}, good_{base::TokenId{2}, base::AccountId{2}, false};
};

TEST_F(CircuitBreakerWords, OneTokensFailureKeepsItAloneAway) {
  for (const auto& seen : {k_failed, k_limited, k_forbidden, k_no_credit}) {
    ++record_.rev;
    send(good_, k_good);
    send(bad_, seen);
    const auto skipped = look(bad_);
    EXPECT_FALSE(skipped.may_send()) << seen.status;
    EXPECT_TRUE(skipped.as_last) << "where nothing else is left it is tried";
    EXPECT_EQ(look(good_).state, State::ready) << seen.status;
    EXPECT_EQ(look(bad_, "another").state, State::ready);
    EXPECT_EQ(breaker_.view(record_, now_).state, State::ready);
    EXPECT_NE(breaker_.reason(record_, "m", now_, bad_), "");
    EXPECT_EQ(breaker_.reason(record_, "m", now_, good_), "");
  }
}

TEST_F(CircuitBreakerWords, HoweverOftenAndFromHoweverManyTokensOfOneAccount) {
  for (int i = 0; i < 300; ++i) {
    now_ += 100ms;
    const Asker one{base::TokenId{10 + i % 3}, base::AccountId{1}, i % 2 == 0};
    send(one, i % 2 == 0 ? k_failed : k_forbidden);
    if (i % 10 == 9) {
      const Asker good{good_.token, base::AccountId{1}, true};
      EXPECT_TRUE(send(good, k_good)) << i;
    }
  }
  EXPECT_EQ(breaker_.view(record_, now_).state, State::ready);
}

TEST_F(CircuitBreakerWords, ItsWaitGrowsFromTryToTryAndEndsWithAGoodAnswer) {
  for (const auto expected : {1s, 2s, 4s, 8s}) {
    send(bad_, k_failed);
    EXPECT_EQ(look(bad_).until, now_ + expected);
    now_ += expected;
    EXPECT_EQ(look(bad_).state, State::ready);
  }
  send(bad_, k_good);
  send(bad_, k_failed);
  EXPECT_EQ(look(bad_).until, now_ + 1s);
}

TEST_F(CircuitBreakerWords, AWaitThatTheProviderToldIsItsToo) {
  send(bad_, {Kind::rate_limited, 429, {}, 30s, true});
  EXPECT_EQ(look(bad_).until, now_ + 30s);
  EXPECT_EQ(look(bad_).state, State::limited);
  EXPECT_EQ(look(good_).state, State::ready);
}

TEST_F(CircuitBreakerWords, AProbeIsWantedOnceAMinute) {
  int wanted = 0;
  for (int i = 0; i < 1180; ++i) {
    now_ += 100ms;
    const auto change = send(bad_, k_failed);
    if (change && change->wants_probe) ++wanted;
  }
  EXPECT_EQ(wanted, 2);
}

TEST_F(CircuitBreakerWords, AProbeThatFailsShutsTheChannelForAll) {
  EXPECT_TRUE(send(bad_, k_failed)->wants_probe);
  const auto change = breaker_.probed(record_, 0, "m", {Kind::failed, 500}, now_);
  EXPECT_EQ(change.kind, BreakerChange::Kind::set_aside);
  EXPECT_EQ(look(good_).state, State::cooling);
  EXPECT_FALSE(look(good_).as_last);
  EXPECT_EQ(breaker_.reason(record_, "m", now_, good_), "answered 500");
  now_ += 1s;
  EXPECT_EQ(send(good_, k_good)->kind, BreakerChange::Kind::back);
}

TEST_F(CircuitBreakerWords, AProbeThatIsRefusedSetsTheKeyAside) {
  set_keys(2);
  send(bad_, k_forbidden);
  const auto change = breaker_.probed(record_, 0, "m", {Kind::key_refused, 403}, now_);
  EXPECT_EQ(change.kind, BreakerChange::Kind::key_refused);
  EXPECT_EQ(look(good_).state, State::ready) << "it has another";
  breaker_.probed(record_, 1, "m", {Kind::key_refused, 403}, now_);
  EXPECT_EQ(look(good_).state, State::keys_refused);
  EXPECT_TRUE(look(good_).as_last) << "a refusal costs nothing, and may be over";
  EXPECT_EQ(look(good_, "another").state, State::ready) << "403 is said of one model";
}

TEST_F(CircuitBreakerWords, NoCreditIsTheKeysForAllModels) {
  send(bad_, k_no_credit);
  breaker_.probed(record_, 0, "m", {Kind::key_refused, 400, {}, {}, false, true}, now_);
  EXPECT_EQ(look(good_, "another").state, State::keys_refused);
  EXPECT_EQ(breaker_.view(record_, now_).keys_aside, 1U);
  EXPECT_EQ(breaker_.view(record_, now_).keys_without_credit, 1U);
  now_ += 59s;
  EXPECT_EQ(breaker_.view(record_, now_).keys_aside, 1U) << "until it can be confirmed again";
  now_ += 1s;
  EXPECT_TRUE(send(bad_, k_no_credit)->wants_probe);
  breaker_.probed(record_, 0, "m", {Kind::key_refused, 400, {}, {}, false, true}, now_);
  EXPECT_EQ(breaker_.view(record_, now_).keys_aside, 1U);
  now_ += 60s;
  EXPECT_TRUE(send(good_, k_good));
  EXPECT_EQ(look(good_, "another").state, State::ready);
}

TEST_F(CircuitBreakerWords, A401IsTheKeysAtOnceAndNotTriedAsTheLast) {
  const auto change = send(bad_, {Kind::key_refused, 401});
  EXPECT_EQ(change->kind, BreakerChange::Kind::key_refused);
  EXPECT_EQ(look(good_).state, State::keys_refused);
  EXPECT_FALSE(look(good_).as_last);
}

TEST_F(CircuitBreakerWords, ALimitThatTheProbeConfirmsIsWaitedFor) {
  send(bad_, k_limited);
  breaker_.probed(record_, 0, "m", {Kind::rate_limited, 429, {}, 20s}, now_);
  EXPECT_EQ(look(good_).state, State::limited);
  EXPECT_EQ(look(good_).until, now_ + 20s);
  EXPECT_FALSE(look(good_).as_last);
}

TEST_F(CircuitBreakerWords, TwoAccountsShutItAndAThirdMayTryItAsTheLast) {
  send(bad_, k_failed);
  send(good_, k_failed);
  EXPECT_EQ(breaker_.view(record_, now_).state, State::cooling);
  EXPECT_FALSE(look(bad_).as_last) << "it has seen it fail";
  const Asker third{base::TokenId{3}, base::AccountId{3}, false};
  EXPECT_TRUE(look(third).as_last);
  EXPECT_FALSE(breaker_.claim(record_, "m", now_, {third, {}, false})) << "not while others are there";
  now_ += 1ms;
  EXPECT_EQ(send(third, k_good)->kind, BreakerChange::Kind::back);
}

TEST_F(CircuitBreakerWords, ABadTokenDoesNotKeepItShut) {
  send(bad_, k_failed);
  breaker_.probed(record_, 0, "m", {Kind::failed, 500}, now_);
  now_ += 1s;
  send(bad_, k_failed);
  EXPECT_EQ(look(good_).state, State::due) << "the next one's turn at once";
}

TEST_F(CircuitBreakerWords, AnswersThatBreakOffAreOfTheirToken) {
  for (int i = 0; i < 50; ++i) {
    const auto claim = breaker_.claim(record_, "m", now_, {bad_, {}, true});
    breaker_.report(*claim, k_good, now_);
    breaker_.finished(*claim, CircuitBreaker::Finish::broken, 1, 2, now_);
  }
  EXPECT_FALSE(look(bad_).may_send());
  EXPECT_EQ(look(good_).state, State::ready);
  EXPECT_EQ(breaker_.view(record_, now_).recent.error_percent, 100);
}

TEST_F(CircuitBreakerWords, AKeyThatIsReallyRefusedIsFoundWithinSecondsBesideABadToken) {
  send(good_, k_good);
  EXPECT_TRUE(send(bad_, k_forbidden)->wants_probe);
  breaker_.probed(record_, 0, "m", k_good, now_);
  now_ += 5s;
  const auto revoked_at = now_;
  while (look(good_).state != State::keys_refused && now_ < revoked_at + 30s) {
    now_ += 1s;
    send(bad_, k_forbidden);
    send(good_, k_forbidden);
  }
  EXPECT_LE(now_ - revoked_at, 10s);
}

TEST_F(CircuitBreakerWords, WhatIsHeldAgainstItForTokensIsForgottenOnceItIsOver) {
  send(bad_, k_failed);
  now_ += 62s;
  send(good_, k_good);
  EXPECT_EQ(look(bad_).state, State::ready);
  // The way without a lock is open again: an entry of a channel that nobody knows is not made.
  auto other = record_;
  other.id = base::ChannelId{8};
  breaker_.look(other, "m", now_);
  EXPECT_EQ(breaker_.size(), 1U);
}

// Against what must hold whatever happens: a channel works (then only bad tokens fail), or does not (then all do).
class CircuitBreakerWordsRandom : public CircuitBreakerWords, public testing::WithParamInterface<unsigned> {};

TEST_P(CircuitBreakerWordsRandom, GoodTokensAreServedWhileTheChannelWorks) {
  std::mt19937 random(GetParam());
  const auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  const bool one_account = pick(2) == 0;
  set_keys(1 + static_cast<std::size_t>(pick(3)));
  const std::vector<Observation> kinds{
      k_failed, k_limited, k_forbidden, k_no_credit, {Kind::rate_limited, 429, {}, 30s, true}};
  const auto bad_kind = kinds[static_cast<std::size_t>(pick(static_cast<int>(kinds.size())))];
  const int bad_tokens = 1 + pick(3);
  const auto token = [&](bool good, int number) {
    return Asker{base::TokenId{(good ? 100 : 10) + number}, base::AccountId{good && !one_account ? 2 : 1}, one_account};
  };
  bool works = true;
  int probes = 0;
  base::SteadyTime last_probe = base::SteadyTime::min(), broke_at{};
  for (int step = 0; step < 3000; ++step) {
    now_ += std::chrono::milliseconds(pick(300));
    if (works && pick(400) == 0) {
      works = false;
      broke_at = now_;
    } else if (!works && now_ - broke_at > 20s) {
      works = true;
      now_ += 61s;  // what it was shut for is over
    }
    const bool good = pick(4) == 0;
    const auto asker = token(good, pick(good ? 2 : bad_tokens));
    const bool succeeds = works && good;
    const auto change = send(asker, succeeds ? k_good : good ? k_failed : bad_kind);
    if (good && works && now_ - broke_at > 60s) {
      EXPECT_TRUE(change) << step << ": a good request was refused";
    }
    if (!change || !change->wants_probe) continue;
    EXPECT_TRUE(probes == 0 || now_ - last_probe >= 60s);
    last_probe = now_;
    ++probes;
    breaker_.probed(record_, 0, "m", works ? k_good : Observation{Kind::failed, 500}, now_);
    EXPECT_EQ(look(token(true, 9)).may_send(), works) << "what the probe says counts";
  }
  EXPECT_GT(probes, 0);
}
INSTANTIATE_TEST_SUITE_P(Seeds, CircuitBreakerWordsRandom, testing::Range(0U, 200U));

}  // namespace
}  // namespace cr::relay::routing
