// SPDX-License-Identifier: MIT
#include "relay/routing/circuit_breaker.h"

#include <gtest/gtest.h>

#include "ledger/core/directory_builder.h"

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;
using State = Availability::State;
using Kind = Observation::Kind;

class CircuitBreakerTest : public testing::Test {
 protected:
  CircuitBreakerTest() {
    record_.id = base::ChannelId{7};
    record_.rev = 1;
    record_.name = "one";
    set_keys(1);
  }
  void set_keys(std::size_t count) {
    record_.keys.assign(count, nullptr);
    record_.key_hints.assign(count, {base::ShortText<10>("sk-abc"), base::ShortText<4>("wxyz")});
  }
  State state(std::string_view model = "m") { return breaker_.look(record_, model, now_).state; }
  // Claims must be had; -1 = none.
  int key(std::string_view model = "m") {
    const auto claim = breaker_.claim(record_, model, now_);
    if (!claim) return -1;
    breaker_.report(*claim, {Kind::abandoned}, now_);
    return static_cast<int>(claim->key);
  }
  BreakerChange send(const Observation& observation, std::string_view model = "m") {
    const auto claim = breaker_.claim(record_, model, now_);
    EXPECT_TRUE(claim.has_value());
    return claim ? breaker_.report(*claim, observation, now_) : BreakerChange{};
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) send({Kind::failed, 500, {}, {}});
  }

  CircuitBreaker breaker_;
  ledger::ChannelRecord record_;
  base::SteadyTime now_ = base::steady_now();
};

TEST_F(CircuitBreakerTest, FailuresInARowOpenTheBreaker) {
  fail(4);
  EXPECT_EQ(state(), State::ready);
  const auto change = send({Kind::failed, 503, {}, {}});
  EXPECT_EQ(change.kind, BreakerChange::Kind::set_aside);
  EXPECT_EQ(change.cool_down, 1s);
  EXPECT_EQ(state(), State::cooling);
  EXPECT_EQ(breaker_.reason(record_, "m", now_), "answered 503");
  EXPECT_FALSE(breaker_.claim(record_, "m", now_).has_value());
  EXPECT_EQ(breaker_.view(record_, now_).wait, 1000ms);
}

TEST_F(CircuitBreakerTest, AnAnswerBetweenFailuresBeginsTheRowAnew) {
  fail(4);
  send({Kind::answered, 200, {}, {}});
  fail(4);
  EXPECT_EQ(state(), State::ready);
}

TEST_F(CircuitBreakerTest, OneProbeAtATimeBringsItBack) {
  fail(5);
  now_ += 1s;
  EXPECT_EQ(state(), State::due);
  const auto probe = breaker_.claim(record_, "m", now_);
  ASSERT_TRUE(probe.has_value());
  EXPECT_TRUE(probe->probe);
  EXPECT_EQ(state(), State::cooling) << "while it is being probed nobody else is sent";
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 1s) << "nor told to wait for long";
  EXPECT_EQ(breaker_.report(*probe, {Kind::answered, 200, {}, {}}, now_).kind, BreakerChange::Kind::back);
  EXPECT_EQ(state(), State::ready);
  EXPECT_TRUE(breaker_.view(record_, now_).reason.empty());
}

TEST_F(CircuitBreakerTest, AFailedProbeDoublesTheCoolDownUpToItsMost) {
  fail(5);
  for (const auto expected : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    now_ += 60s;
    ASSERT_EQ(state(), State::due);
    send({Kind::failed, 0, "could not be reached", {}});
    EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + expected);
  }
}

TEST_F(CircuitBreakerTest, AChannelThatFlapsDoesNotBeginAnew) {
  fail(5);
  now_ += 1s;
  send({Kind::answered, 200, {}, {}});
  fail(5);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 2s);
  now_ += 2s;
  send({Kind::answered, 200, {}, {}});
  now_ += 61s;
  fail(5);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 1s) << "after a good while it does";
}

TEST_F(CircuitBreakerTest, AnAbandonedProbeMakesRoomForTheNext) {
  fail(5);
  now_ += 1s;
  EXPECT_EQ(key(), 0);
  EXPECT_EQ(state(), State::due);
}

// How long a good answer thinks is no sign of trouble: what kept a channel shut would be its own success.
TEST_F(CircuitBreakerTest, AProbeIsAloneForASecondHoweverLongItsAnswerTakes) {
  fail(5);
  now_ += 1s;
  const auto probe = breaker_.claim(record_, "m", now_);
  ASSERT_TRUE(probe.has_value());
  now_ += 900ms;
  EXPECT_EQ(state(), State::cooling);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 100ms) << "what those are told who come meanwhile";
  now_ += 100ms;
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(breaker_.claim(record_, "m", now_).has_value()) << "all who come, not one more";
  now_ += 7s;
  EXPECT_EQ(breaker_.report(*probe, {Kind::answered, 200, {}, {}}, now_).kind, BreakerChange::Kind::back);
  EXPECT_EQ(state(), State::ready);
}

TEST_F(CircuitBreakerTest, SoItIsWithALimitedKey) {
  for (const auto kind : {Kind::rate_limited, Kind::key_refused}) {
    ++record_.rev;
    const int status = kind == Kind::rate_limited ? 429 : 401;
    send({kind, status, {}, 2s});
    now_ += 2s;
    ASSERT_TRUE(breaker_.claim(record_, "m", now_).has_value());
    EXPECT_FALSE(breaker_.claim(record_, "m", now_).has_value());
    now_ += 1s;
    std::vector<Claim> late;
    for (int i = 0; i < 50; ++i) late.push_back(breaker_.claim(record_, "m", now_).value());
    now_ += 1ms;
    const auto before = now_;
    for (const auto& claim : late) breaker_.report(claim, {kind, status, {}, 2s}, now_);
    EXPECT_EQ(breaker_.look(record_, "m", now_).until, before + 2s) << "fifty refusals of one moment are one";
  }
}

TEST_F(CircuitBreakerTest, ThoseLetInAfterTheProbeBringTheTroubleBackOnce) {
  fail(5);
  now_ += 1s;
  const auto probe = breaker_.claim(record_, "m", now_);
  now_ += 1s;
  std::vector<Claim> late;
  for (int i = 0; i < 50; ++i) late.push_back(breaker_.claim(record_, "m", now_).value());
  now_ += 10ms;
  for (const auto& claim : late) breaker_.report(claim, {Kind::failed, 503, {}, {}}, now_);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 2s) << "one step for all of them";
  const auto change = breaker_.report(*probe, {Kind::answered, 200, {}, {}}, now_);
  EXPECT_EQ(change.kind, BreakerChange::Kind::none) << "asked for before the new trouble: it says nothing of now";
  EXPECT_EQ(state(), State::cooling);
  now_ += 2s;
  ASSERT_TRUE(breaker_.claim(record_, "m", now_).has_value());
  EXPECT_FALSE(breaker_.claim(record_, "m", now_).has_value()) << "a new probe is alone again";
}

TEST_F(CircuitBreakerTest, AnyGoodHeadAmongThemBringsItBack) {
  fail(5);
  now_ += 1s;
  const auto probe = breaker_.claim(record_, "m", now_);
  now_ += 1s;
  const auto second = breaker_.claim(record_, "m", now_);
  EXPECT_EQ(breaker_.report(*second, {Kind::answered, 200, {}, {}}, now_).kind, BreakerChange::Kind::back);
  EXPECT_EQ(state(), State::ready);
  now_ += 5s;
  breaker_.report(*probe, {Kind::failed, 500, {}, {}}, now_);
  EXPECT_EQ(state(), State::ready) << "the probe of a trouble that is over is a request like any";
}

TEST_F(CircuitBreakerTest, WhoComesBackWhenToldToIsLetIn) {
  send({Kind::rate_limited, 429, {}, 2s});
  now_ += 2s - 5ms;  // a timer may be early by its grain
  EXPECT_EQ(state(), State::due);
  EXPECT_TRUE(breaker_.claim(record_, "m", now_).has_value());
}

TEST_F(CircuitBreakerTest, RequestsUnderWayDoNotProlongTheCoolDown) {
  const auto early = breaker_.claim(record_, "m", now_);
  fail(5);
  const auto until = breaker_.look(record_, "m", now_).until;
  now_ += 500ms;
  breaker_.report(*early, {Kind::failed, 500, {}, {}}, now_);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, until);
  const auto change = breaker_.report(*early, {Kind::answered, 200, {}, {}}, now_);
  EXPECT_EQ(change.kind, BreakerChange::Kind::none) << "an old answer says nothing of now";
  EXPECT_EQ(state(), State::cooling);
}

TEST_F(CircuitBreakerTest, AShareOfFailuresOpensToo) {
  // One in two fails, never two in a row.
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(state(), State::ready);
    const auto claim = breaker_.claim(record_, "m", now_);
    breaker_.report(*claim, {Kind::answered, 200, {}, {}}, now_);
    breaker_.finished(*claim, CircuitBreaker::Finish::whole, 1, 2, now_);
    fail(1);
  }
  EXPECT_EQ(state(), State::cooling);
}

TEST_F(CircuitBreakerTest, FailuresOfLongAgoDoNotCount) {
  for (int i = 0; i < 20; ++i) {
    now_ += 7s;
    const auto claim = breaker_.claim(record_, "m", now_);
    breaker_.report(*claim, {Kind::answered, 200, {}, {}}, now_);
    fail(1);
  }
  EXPECT_EQ(state(), State::ready);
}

// Each begins like a good one: only its end tells.
TEST_F(CircuitBreakerTest, AnswersThatBreakOffAreFailures) {
  using Finish = CircuitBreaker::Finish;
  const auto answer = [&](Finish finish) {
    const auto claim = breaker_.claim(record_, "m", now_);
    ASSERT_TRUE(claim.has_value());
    breaker_.report(*claim, {Kind::answered, 200, {}, {}}, now_);
    breaker_.finished(*claim, finish, 5, 10, now_);
  };
  for (int i = 0; i < 4; ++i) answer(Finish::broken);
  answer(Finish::whole);
  for (int i = 0; i < 4; ++i) answer(Finish::broken);
  EXPECT_EQ(state(), State::ready);
  answer(Finish::broken);
  EXPECT_EQ(state(), State::cooling);
  EXPECT_EQ(breaker_.view(record_, now_).recent.error_percent, 90);
  now_ += 1s;
  answer(Finish::broken);
  EXPECT_EQ(state(), State::cooling) << "a probe's head brought it back, its end set it aside again";
  now_ += 2s;
  answer(Finish::whole);
  EXPECT_EQ(state(), State::ready);
}

TEST_F(CircuitBreakerTest, RetryAfterIsObeyed) {
  send({Kind::failed, 503, {}, 90s});
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 90s);
}

TEST_F(CircuitBreakerTest, ALimitIsOfOneModel) {
  send({Kind::rate_limited, 429, {}, 20s});
  EXPECT_EQ(state("m"), State::limited);
  EXPECT_EQ(state("other"), State::ready);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 20s);
  now_ += 20s;
  EXPECT_EQ(state("m"), State::due);
  const auto probe = breaker_.claim(record_, "m", now_);
  EXPECT_EQ(state("m"), State::limited);
  EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + 1s);
  breaker_.report(*probe, {Kind::abandoned, 0, {}, {}}, now_);
  send({Kind::answered, 200, {}, {}});
  EXPECT_EQ(state("m"), State::ready);
}

TEST_F(CircuitBreakerTest, ALimitWithoutRetryAfterBacksOff) {
  for (const auto expected : {1s, 2s, 4s}) {
    send({Kind::rate_limited, 429, {}, {}});
    EXPECT_EQ(breaker_.look(record_, "m", now_).until, now_ + expected);
    now_ += expected;
  }
}

TEST_F(CircuitBreakerTest, KeysTakeTurns) {
  set_keys(3);
  EXPECT_EQ((std::vector<int>{key(), key(), key(), key()}), (std::vector<int>{0, 1, 2, 0}));
}

TEST_F(CircuitBreakerTest, OneKeyIsSetAsideAlone) {
  set_keys(3);
  const auto change = send({Kind::key_refused, 401, {}, {}});
  EXPECT_EQ(change.kind, BreakerChange::Kind::key_refused);
  EXPECT_EQ(state(), State::ready);
  EXPECT_EQ((std::vector<int>{key(), key(), key()}), (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(breaker_.view(record_, now_).keys_aside, 1u);
  EXPECT_EQ(breaker_.view(record_, now_).reason, "key sk-abc...wxyz was answered 401");
  now_ += 10s;
  EXPECT_EQ((std::vector<int>{key(), key(), key()}), (std::vector<int>{2, 0, 1}));
}

TEST_F(CircuitBreakerTest, ARefusedKeyIsAskedLaterAndLater) {
  for (int step = 0; step < 12; ++step) {
    const auto expected = std::min<std::chrono::milliseconds>(1h, 10s * (1 << step));
    send({Kind::key_refused, 401, {}, {}});
    EXPECT_EQ(state(), State::keys_refused);
    EXPECT_EQ(breaker_.look(record_, "any", now_).until, now_ + expected);
    now_ += expected;
  }
}

TEST_F(CircuitBreakerTest, APermissionIsOfOneModel) {
  send({Kind::key_refused, 403, {}, {}});
  EXPECT_EQ(state("m"), State::keys_refused);
  EXPECT_EQ(state("other"), State::ready);
  now_ += 1s;
  EXPECT_EQ(state("m"), State::due) << "some say it of one prompt";
}

TEST_F(CircuitBreakerTest, OddModelsCannotGrowItWithoutEnd) {
  for (int i = 0; i < 1000; ++i) {
    const auto model = "m" + std::to_string(i);
    send({Kind::rate_limited, 429, {}, 1h}, model);
  }
  EXPECT_EQ(state("m0"), State::ready);
  EXPECT_EQ(state("m999"), State::limited);
}

TEST_F(CircuitBreakerTest, AnEditGivesAFreshStart) {
  fail(5);
  const auto old = record_;
  ++record_.rev;
  EXPECT_EQ(state(), State::ready);
  EXPECT_EQ(breaker_.look(old, "m", now_).state, State::ready)
      << "the newest edit counts for those with an older record";
  EXPECT_EQ(breaker_.view(record_, now_).recent.requests, 5u) << "its figures stay";
  Claim late{record_.id, old.rev, 0, "m", false};
  for (int i = 0; i < 5; ++i) breaker_.report(late, {Kind::failed, 500, {}, {}}, now_);
  EXPECT_EQ(state(), State::ready) << "what the old settings came to says nothing of the new";
}

TEST_F(CircuitBreakerTest, ForgivenAfterATest) {
  fail(5);
  breaker_.proved_good(record_, 0, "m");
  EXPECT_EQ(state(), State::ready);
}

TEST_F(CircuitBreakerTest, ATestForgivesTheKeyAndTheModelItTriedAndNoOthers) {
  set_keys(2);
  for (int i = 0; i < 2; ++i) send({Kind::key_refused, 401, {}, {}});
  EXPECT_EQ(state(), State::keys_refused);
  breaker_.proved_good(record_, 1, "m");
  EXPECT_EQ(breaker_.view(record_, now_).keys_aside, 1U);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(key(), 1);
  for (const auto* model : {"a", "b"}) send({Kind::rate_limited, 429, {}, 1h}, model);
  breaker_.proved_good(record_, 1, "a");
  EXPECT_EQ(state("a"), State::ready);
  EXPECT_NE(state("b"), State::ready) << "the provider limits this model, and another was tried";
}

TEST_F(CircuitBreakerTest, FiguresAreOfTheLastRequests) {
  for (int i = 1; i <= 1000; ++i) {
    const auto claim = breaker_.claim(record_, "m", now_);
    breaker_.finished(*claim, CircuitBreaker::Finish::whole, i, 2 * i, now_);
  }
  const auto view = breaker_.view(record_, now_);
  EXPECT_EQ(view.recent.requests, RecentResults::k_most);
  EXPECT_EQ(view.recent.first_byte_p50_ms, 1000 - 127);
  EXPECT_EQ(view.recent.p50_ms, 2 * (1000 - 127));
  EXPECT_EQ(view.recent.error_percent, 0);
}

// Trouble of a channel that is gone must not keep the others from the way without a lock, nor its entry for ever.
TEST_F(CircuitBreakerTest, DeletedChannelsLeave) {
  ledger::Directory::Impl draft;
  for (std::int64_t id = 7; id < 10; ++id) {
    record_.id = base::ChannelId{id};
    record_.name = "channel-" + std::to_string(id);
    draft.put_channel(std::make_shared<const ledger::ChannelRecord>(record_));
    fail(5);
    EXPECT_EQ(state(), State::cooling);
  }
  const auto directory = [&] { return ledger::Directory(std::make_shared<const ledger::Directory::Impl>(draft)); };
  breaker_.keep_only(directory());
  EXPECT_EQ(breaker_.size(), 3U);
  draft.erase_channel(base::ChannelId{8});
  breaker_.keep_only(directory());
  EXPECT_EQ(breaker_.size(), 2U);
  EXPECT_EQ(state(), State::cooling) << "channel 9 is as it was";
  record_.id = base::ChannelId{8};
  EXPECT_EQ(state(), State::ready);
  draft.erase_channel(base::ChannelId{7});
  draft.erase_channel(base::ChannelId{9});
  breaker_.keep_only(directory());
  EXPECT_EQ(breaker_.size(), 0U);
  // Nothing is held against anybody: a look makes no entry.
  EXPECT_EQ(state(), State::ready);
  EXPECT_EQ(breaker_.size(), 0U);
}

TEST_F(CircuitBreakerTest, AClaimOfOneKeyGetsItOrNothing) {
  set_keys(3);
  for (int i = 0; i < 3; ++i) {
    const auto claim = breaker_.claim(record_, "m", now_, {{}, 1});
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->key, 1U);
    breaker_.report(*claim, {Kind::answered, 200, {}, {}}, now_);
  }
  const auto claim = breaker_.claim(record_, "m", now_, {{}, 1});
  breaker_.report(*claim, {Kind::rate_limited, 429, {}, 5s}, now_);
  EXPECT_FALSE(breaker_.claim(record_, "m", now_, {{}, 1}).has_value());
  EXPECT_TRUE(breaker_.claim(record_, "m", now_, {{}, 2}).has_value());
  EXPECT_TRUE(breaker_.claim(record_, "m", now_).has_value());
}

}  // namespace
}  // namespace cr::relay::routing
