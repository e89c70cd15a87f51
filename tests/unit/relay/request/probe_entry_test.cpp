// SPDX-License-Identifier: MIT
#include "relay/request/probe_entry.h"

#include <gtest/gtest.h>

#include "ledger/core/directory_builder.h"
#include "ledger/core/own_requests.h"

namespace cr::relay::request {
namespace {

using http::client::AnswerOutcome;

const base::Time k_now = base::from_unix_ms(1'800'000'000'000);

class ProbeEntry : public testing::Test {
 protected:
  ProbeEntry() {
    price_.model = "m";
    price_.input = price_.cached_input = price_.cache_write = {1'000'000'000};
    price_.output = {2'000'000'000};
    price_.generation = 7;
    channel_.id = base::ChannelId{3};
    answer_.outcome = AnswerOutcome::ok;
    answer_.status = 200;
    answer_.whole = true;
    answer_.total_ms = 1500;
    answer_.body = R"({"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":8,"completion_tokens":1}})";
  }
  std::optional<ledger::Settlement> row(std::string_view model = "m") {
    ledger::Directory::Impl impl;
    impl.put_price(std::make_shared<const ledger::PriceRecord>(price_));
    return probe_settlement(answer_, {channel_, model, "upstream-m"},
                            ledger::Directory(std::make_shared<const ledger::Directory::Impl>(std::move(impl))), k_now);
  }
  ledger::PriceRecord price_;
  ledger::ChannelRecord channel_;
  ProbeAnswer answer_;
};

TEST_F(ProbeEntry, is_what_the_provider_told_on_no_token) {
  const auto made = row();
  ASSERT_TRUE(made);
  EXPECT_EQ(made->facts.token, ledger::k_own_token);
  EXPECT_EQ(made->facts.started_at, k_now - std::chrono::milliseconds(1500));
  EXPECT_EQ(made->facts.endpoint, "chat.completions");
  EXPECT_EQ(made->channel, base::ChannelId{3});
  EXPECT_EQ(made->upstream_model, "upstream-m");
  EXPECT_EQ(made->input_tokens, 8);
  EXPECT_EQ(made->output_tokens, 1);
  EXPECT_EQ(made->cost, base::Credits::from_nano(10'000));
  EXPECT_EQ(made->price_generation, 7);
  EXPECT_EQ(made->ending, ledger::Ending::complete);
  EXPECT_EQ(made->flags, 0U);
}

TEST_F(ProbeEntry, is_none_where_nothing_was_done) {
  answer_.status = 401;
  EXPECT_FALSE(row());
  answer_.status = 200;
  answer_.body = R"({"error":{"message":"no"}})";
  EXPECT_FALSE(row());
  answer_.not_connected = base::Error{base::ErrorCode::unavailable, "no", {}};
  EXPECT_FALSE(row());
}

TEST_F(ProbeEntry, counts_what_may_have_been_done) {
  answer_.body = R"({"choices":[{"message":{"content":"hi"}}]})";
  const auto untold = row();
  ASSERT_TRUE(untold);
  EXPECT_EQ(untold->flags, std::uint32_t{ledger::k_estimated});
  EXPECT_EQ(untold->cost, base::Credits::from_nano(64 * 1000 + 16 * 2000));
  answer_.outcome = AnswerOutcome::timed_out;
  const auto late = row();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->flags, std::uint32_t{ledger::k_unknown});
  EXPECT_EQ(late->ending, ledger::Ending::upstream_failed);
  EXPECT_EQ(late->cost, untold->cost);
}

TEST_F(ProbeEntry, without_a_price_is_flagged) {
  const auto made = row("another");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->flags, std::uint32_t{ledger::k_unpriced});
  EXPECT_EQ(made->cost, base::Credits());
}

}  // namespace
}  // namespace cr::relay::request
