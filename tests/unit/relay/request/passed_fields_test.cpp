// SPDX-License-Identifier: MIT
#include "relay/request/passed_fields.h"

#include <gmock/gmock.h>

namespace cr::relay::request {
namespace {

using ledger::ChannelKind;
using testing::HasSubstr;
using testing::Not;

std::string passed(ChannelKind kind, const std::vector<http::message::Field>& fields,
                   const std::map<std::string, std::string>& own = {}) {
  http::message::RequestHead head;
  head.fields = fields;
  ledger::ChannelRecord channel;
  channel.kind = kind;
  channel.headers = own;
  std::string text;
  http::message::HeadWriter writer(text);
  pass_request_fields(writer, head, channel);
  return text;
}

TEST(PassedFields, AVendorsOwnNamesGoToItsDialectEachLineOfThem) {
  const std::vector<http::message::Field> all{{"Anthropic-Beta", "a"},       {"anthropic-beta", "b,c"},
                                              {"anthropic-version", "v"},    {"anthropic-new-thing", "n"},
                                              {"OpenAI-Beta", "x"},          {"openai-beta", "y"},
                                              {"openai-other", "z"},         {"accept", "*/*"},
                                              {"x-client-request-id", "id"}, {"idempotency-key", "k"}};
  const std::string of_all = "accept: */*\r\nx-client-request-id: id\r\nidempotency-key: k\r\n";
  EXPECT_EQ(passed(ChannelKind::anthropic, all),
            "Anthropic-Beta: a\r\nanthropic-beta: b,c\r\nanthropic-version: v\r\n"
            "anthropic-new-thing: n\r\n" +
                of_all);
  EXPECT_EQ(passed(ChannelKind::openai, all), "OpenAI-Beta: x\r\nopenai-beta: y\r\nopenai-other: z\r\n" + of_all);
}

TEST(PassedFields, NothingElseOfAHead) {
  std::vector<http::message::Field> fields;
  for (const auto* name : {"authorization",
                           "x-api-key",
                           "cookie",
                           "x-forwarded-for",
                           "user-agent",
                           "x-odd",
                           "anthropic",
                           "openai-",
                           "xopenai-beta",
                           "openai-organization",
                           "OpenAI-Project",
                           "anthropic-organization-id",
                           "anthropic-workspace-id",
                           "anthropic-default-workspace",
                           "openai-api-key",
                           "anthropic-auth-token",
                           "anthropic-account-id",
                           "origin",
                           "x-stainless-os",
                           "content-encoding",
                           "host",
                           "connection"})
    fields.push_back({name, "1"});
  EXPECT_EQ(passed(ChannelKind::anthropic, fields), "");
  EXPECT_EQ(passed(ChannelKind::openai, fields), "");
}

TEST(PassedFields, TheChannelsOwnHeaderWins) {
  const std::vector<http::message::Field> both{{"OpenAI-Beta", "client"}, {"x-client-request-id", "id"}};
  EXPECT_EQ(passed(ChannelKind::openai, both, {{"openai-beta", "channel"}}), "x-client-request-id: id\r\n");
}

TEST(PassedFields, WhatAClientSeesOfAnAnswer) {
  http::message::ResponseHead head;
  head.fields = {{"X-Request-Id", "req_up"},
                 {"openai-processing-ms", "12"},
                 {"Retry-After-Ms", "250"},
                 {"X-RateLimit-Remaining-Tokens", "7"},
                 {"anthropic-ratelimit-requests-limit", "9"},
                 {"x-should-retry", "true"},
                 {"x-should-retry", "false"},
                 {"openai-organization", "org"},
                 {"anthropic-organization-id", "o"},
                 {"set-cookie", "c"},
                 {"server", "s"}};
  const auto fields = pass_answer_fields(head);
  EXPECT_EQ(fields.lines, "openai-processing-ms: 12\r\nx-should-retry: true\r\n");
  EXPECT_EQ(fields.rates, "X-RateLimit-Remaining-Tokens: 7\r\nanthropic-ratelimit-requests-limit: 9\r\n");
  EXPECT_EQ(fields.retry_after_ms, "250");
  EXPECT_TRUE(fields.should_retry);
  EXPECT_EQ(fields.request_id, "req_up");
}

TEST(PassedFields, AnIdOfTheProvidersIsReadWhereverItStands) {
  const auto id_of = [](std::vector<http::message::Field> fields) {
    http::message::ResponseHead head;
    head.fields = std::move(fields);
    return pass_answer_fields(head).request_id;
  };
  EXPECT_EQ(id_of({{"x-request-id", "proxy"}, {"request-id", "req_1"}}), "req_1");
  EXPECT_EQ(id_of({{"apim-request-id", "azure"}}), "azure");
  EXPECT_EQ(id_of({{"x-request-id", ""}, {"x-amzn-requestid", "aws"}}), "aws");
  EXPECT_EQ(id_of({{"x-request-id", std::string_view("a b")}}), "");
  const std::string longest(128, 'a'), longer(129, 'a');
  EXPECT_EQ(id_of({{"x-request-id", longest}}), longest);
  EXPECT_EQ(id_of({{"x-request-id", longer}}), "");
}

TEST(PassedFields, AreBounded) {
  const std::string value(1000, 'v');
  http::message::ResponseHead head;
  for (int i = 0; i < 50; ++i) head.fields.push_back({"x-ratelimit-odd", value});
  EXPECT_LE(pass_answer_fields(head).rates.size(), k_passed_bytes_max);
  EXPECT_GT(pass_answer_fields(head).rates.size(), k_passed_bytes_max / 2);
}

}  // namespace
}  // namespace cr::relay::request
