// SPDX-License-Identifier: MIT
#include "relay/request/probe_entry.h"

#include <gtest/gtest.h>

#include "billing/price_rules.h"
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
    for (const auto& price : others_) impl.put_price(std::make_shared<const ledger::PriceRecord>(price));
    return probe_settlement(answer_, {channel_, model, "upstream-m"},
                            ledger::Directory(std::make_shared<const ledger::Directory::Impl>(std::move(impl))), k_now);
  }
  // A model that costs ten times as much.
  void add_dear(const std::string& model) {
    auto price = price_;
    price.model = model;
    price.input = price.cached_input = price.cache_write = {10'000'000'000};
    price.output = {20'000'000'000};
    others_.push_back(price);
  }
  ledger::PriceRecord price_;
  std::vector<ledger::PriceRecord> others_;
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

TEST_F(ProbeEntry, costs_what_the_asked_model_does_and_not_its_name_here) {
  add_dear("upstream-m");
  EXPECT_EQ(row()->cost, base::Credits::from_nano(100'000));
}

TEST_F(ProbeEntry, costs_what_the_model_does_that_answered) {
  add_dear("fallback-m");
  answer_.body.replace(0, 1, R"({"model":"fallback-m",)");
  EXPECT_EQ(row()->cost, base::Credits::from_nano(100'000));
}

TEST_F(ProbeEntry, costs_what_the_tier_does_that_answered) {
  price_.rules = *billing::parse_rules(std::string_view(
      R"([{"request":"/service_tier","answer":"/service_tier","is":["priority"],"factor":"2"},
          {"request":"/service_tier","answer":"/service_tier","is":["default"]}])"));
  EXPECT_EQ(row()->cost, base::Credits::from_nano(10'000));
  channel_.service_tier = "priority";
  EXPECT_EQ(row()->cost, base::Credits::from_nano(20'000)) << "the project's, and nobody told another";
  answer_.body.replace(0, 1, R"({"service_tier":"default",)");
  EXPECT_EQ(row()->cost, base::Credits::from_nano(10'000));
  channel_.service_tier.clear();
  answer_.body = R"({"service_tier":"priority","choices":[{"message":{"content":"hi"}}],)"
                 R"("usage":{"prompt_tokens":8,"completion_tokens":1}})";
  EXPECT_EQ(row()->cost, base::Credits::from_nano(20'000));
}

TEST_F(ProbeEntry, costs_what_the_provider_tells_where_that_is_more) {
  answer_.body.replace(answer_.body.find("\"prompt_tokens\""), 0, R"("cost":0.5,)");
  const auto made = row();
  EXPECT_EQ(made->cost, base::Credits::from_nano(500'000'000));
  EXPECT_EQ(made->flags, std::uint32_t{ledger::k_told_cost});
}

TEST_F(ProbeEntry, without_a_price_is_flagged) {
  const auto made = row("another");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->flags, std::uint32_t{ledger::k_unpriced});
  EXPECT_EQ(made->cost, base::Credits());
}

}  // namespace
}  // namespace cr::relay::request
