// SPDX-License-Identifier: MIT
#include "relay/router.h"

#include <gtest/gtest.h>

#include <map>

namespace cr::relay {
namespace {

using ledger::ChannelKind;
using openai::Endpoint;

ledger::ChannelRecord channel(ChannelKind kind, const std::vector<std::string>& models) {
  ledger::ChannelRecord record;
  record.kind = kind;
  record.models = models;
  record.model_set = token::ModelSet::parse(models).value();
  return record;
}

TEST(Judge, ByKindAndEndpoint) {
  const auto openai = channel(ChannelKind::openai, {"m"});
  const auto anthropic = channel(ChannelKind::anthropic, {"m"});
  const auto echo = channel(ChannelKind::echo, {"m"});
  for (const auto endpoint :
       {Endpoint::chat_completions, Endpoint::completions, Endpoint::embeddings, Endpoint::responses}) {
    EXPECT_EQ(judge(openai, "m", endpoint), Kept::yes);
    EXPECT_EQ(judge(anthropic, "m", endpoint), Kept::other_endpoint);
    EXPECT_EQ(judge(echo, "m", endpoint), Kept::yes);
  }
  EXPECT_EQ(judge(openai, "m", Endpoint::messages), Kept::other_endpoint);
  EXPECT_EQ(judge(anthropic, "m", Endpoint::messages), Kept::yes);
  EXPECT_EQ(judge(echo, "m", Endpoint::messages), Kept::yes);
}

TEST(Judge, ByModelPatternAndAlias) {
  auto record = channel(ChannelKind::openai, {"gpt-*", "o3"});
  record.model_map["fast"] = "gpt-4o-mini";
  EXPECT_EQ(judge(record, "gpt-4o", Endpoint::chat_completions), Kept::yes);
  EXPECT_EQ(judge(record, "o3", Endpoint::chat_completions), Kept::yes);
  EXPECT_EQ(judge(record, "fast", Endpoint::chat_completions), Kept::yes);
  EXPECT_EQ(judge(record, "o3-mini", Endpoint::chat_completions), Kept::other_model);
  EXPECT_EQ(judge(record, "GPT-4o", Endpoint::chat_completions), Kept::other_model);
}

TEST(Judge, OffIsOff) {
  auto record = channel(ChannelKind::echo, {"*"});
  record.enabled = ledger::Switch::off;
  EXPECT_EQ(judge(record, "anything", Endpoint::chat_completions), Kept::disabled);
}

}  // namespace
}  // namespace cr::relay
