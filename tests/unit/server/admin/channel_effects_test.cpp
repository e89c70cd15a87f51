// SPDX-License-Identifier: MIT
#include "server/admin/channel_effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cr::server::admin {
namespace {

using testing::ElementsAre;

ledger::ChannelRecord channel_at(const std::string& url, const std::string& field) {
  ledger::ChannelRecord channel;
  channel.kind = provider::Kind::openai;
  channel.base_url = url;
  channel.bound_field = field;
  return channel;
}

TEST(ChannelEffects, are_told_with_their_reason) {
  auto openai = channel_at("https://api.openai.com/v1", "max_completion_tokens");
  EXPECT_THAT(channel_effects(openai, {}), ElementsAre("bound_field: max_completion_tokens, known of api.openai.com",
                                                       "stream_usage: streams are asked for it, as usual"));
  const auto mistral = channel_at("https://api.mistral.ai/v1", "max_tokens");
  EXPECT_THAT(channel_effects(mistral, {}),
              ElementsAre("bound_field: max_tokens, as usual", "stream_usage: not asked for, known of api.mistral.ai"));
  ledger::ChannelRecord echo;
  echo.kind = provider::Kind::echo;
  EXPECT_TRUE(channel_effects(echo, {}).empty());
}

TEST(ChannelEffects, of_what_was_set_come_before_what_was_learnt) {
  auto channel = channel_at("https://llm.example.com/v1", "max_tokens");
  const LearntOfModels learnt{{"b", {.no_usage = true}},
                              {"a", {.bound_field = "max_completion_tokens", .bound_most = 9}}};
  EXPECT_THAT(channel_effects(channel, learnt),
              ElementsAre("bound_field: max_tokens, as usual", "stream_usage: streams are asked for it, as usual",
                          "bound_field of a: max_completion_tokens, learnt from a refusal",
                          "bound of a: 9 at most, learnt from a refusal",
                          "stream_usage of b: not asked for, learnt from a refusal"));
  channel.bound_field_chosen = true;
  channel.stream_usage = "always";
  channel.output_rate_max = 50;
  channel.cancels = "never";
  channel.retry_after_timeout = true;
  EXPECT_THAT(channel_effects(channel, learnt),
              ElementsAre("bound_field: max_tokens, set for this channel",
                          "stream_usage: streams are asked for it, set for this channel",
                          "bound of a: 9 at most, learnt from a refusal",
                          "output_rate_max: 50 tokens a second, set for this channel",
                          "cancels: a closed connection does not end the provider's work, set for this channel",
                          "retry_after_timeout: the next route is tried after a timeout, set for this channel"));
}

}  // namespace
}  // namespace cr::server::admin
