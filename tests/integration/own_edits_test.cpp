// SPDX-License-Identifier: MIT
// What crd writes into requests and providers refuse: a stream's wish for its usage, an output bound. The fakes enforce
// what vendors do. It is never the client's error, costs nothing, and is learnt.
#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view k_no_stream_options =
    R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error","param":null,"code":null})";
constexpr std::string_view k_no_max_tokens =
    R"({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}})";
constexpr std::string_view k_too_large =
    R"({"error":{"message":"max_tokens is too large: N. This model supports at most 1000 completion tokens, whereas you provided N.","type":"invalid_request_error","param":"max_tokens","code":null}})";

class OwnEdits : public testing::Test {
 protected:
  OwnEdits() { key_ = gateway_.token("t", {"--quota", "0.004"}); }
  void refuse(std::string_view contains, int status, std::string_view body) {
    gateway_.upstream.behave({{"contains", contains}, {"status", status}, {"body", body}, {"times", -1}});
  }
  HttpAnswer ask(const Json& more = Json::object()) { return gateway_.post(key_, chat("fake-a", more)); }
  Json last_body() { return Json::parse(gateway_.upstream.requests().back()["body"].get<std::string>()); }

  Gateway gateway_;
  std::string key_;
};

TEST_F(OwnEdits, AStreamThatMayNotBeAskedForItsUsageIsSentWithout) {
  refuse("stream_options", 422, k_no_stream_options);
  for (const int arrived : {2, 3}) {
    const auto answer = ask({{"stream", true}, {"max_tokens", 100}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
    EXPECT_EQ(gateway_.arrived(), arrived) << "once more, and then at once";
    EXPECT_EQ(gateway_.request(answer)["ending"], "complete");
  }
  EXPECT_FALSE(last_body().contains("stream_options"));
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM request"), "2");
  EXPECT_EQ(gateway_.reserved("t"), 0);
  EXPECT_EQ(gateway_.upstream.tally()["probes"], 0) << "nothing is wrong with the channel";
}

TEST_F(OwnEdits, ABoundOfAnotherNameIsTheProvidersOwn) {
  refuse("\"max_tokens\"", 400, k_no_max_tokens);
  for (const int arrived : {2, 3}) {
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(gateway_.arrived(), arrived);
  }
  EXPECT_TRUE(last_body().contains("max_completion_tokens"));
  EXPECT_FALSE(last_body().contains("max_tokens"));
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(OwnEdits, ABoundThatIsTooLargeIsTheNumberThatTheRefusalNames) {
  gateway_.upstream.behave({{"bound_over", 1000}, {"status", 400}, {"body", k_too_large}, {"times", -1}});
  for (const int arrived : {2, 3}) {
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(gateway_.arrived(), arrived);
  }
  EXPECT_EQ(last_body()["max_tokens"], 1000);
}

// What an administrator says counts before what is learnt.
TEST_F(OwnEdits, AChannelsOwnWordOnItsBoundIsNotUnlearnt) {
  gateway_.daemon.must({"channel", "edit", "fake", "--bound-field", "max_completion_tokens"});
  refuse("\"max_tokens\"", 400, k_no_max_tokens);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(gateway_.arrived(), 1) << "nothing had to be learnt";
  EXPECT_TRUE(last_body().contains("max_completion_tokens"));
  const auto shown = Json::parse(gateway_.daemon.must({"channel", "show", "fake", "--json"}));
  EXPECT_EQ(shown["in_effect"][0], "bound_field: max_completion_tokens, set for this channel");
  gateway_.daemon.must({"channel", "edit", "fake", "--bound-field", "auto"});
  EXPECT_EQ(Json::parse(gateway_.daemon.must({"channel", "show", "fake", "--json"}))["bound_field"], "max_tokens");
}

TEST_F(OwnEdits, AChannelThatTakesNoBoundIsHeldForTheLongestAnswer) {
  gateway_.daemon.must({"channel", "edit", "fake", "--bound-field", "none"});
  refuse("max_tokens", 400, k_no_max_tokens);
  EXPECT_EQ(ask().status, 429) << "the longest answer costs more than the quota, and nothing can shorten it";
  EXPECT_EQ(gateway_.arrived(), 0);
  gateway_.daemon.must({"token", "edit", "t", "--quota", "1"});
  const auto answer = ask();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(gateway_.arrived(), 1);
  EXPECT_FALSE(last_body().contains("max_tokens"));
  gateway_.flush();
  EXPECT_GE(std::stoll(gateway_.daemon.sql_value("SELECT max(held) FROM request")), 4096 * 2000);
}

TEST_F(OwnEdits, AChannelsOwnWordOnAStreamsUsageCountsBeforeWhatIsLearnt) {
  gateway_.daemon.must({"channel", "edit", "fake", "--stream-usage", "never"});
  refuse("stream_options", 422, k_no_stream_options);
  EXPECT_EQ(ask({{"stream", true}, {"max_tokens", 100}}).status, 200);
  EXPECT_EQ(gateway_.arrived(), 1);
  EXPECT_FALSE(last_body().contains("stream_options"));
  gateway_.daemon.must({"channel", "edit", "fake", "--stream-usage", "always"});
  EXPECT_EQ(ask({{"stream", true}, {"max_tokens", 100}}).status, 422) << "asked for all the same";
  gateway_.daemon.must({"channel", "edit", "fake", "--stream-usage", "auto"});
  EXPECT_EQ(ask({{"stream", true}, {"max_tokens", 100}}).status, 200);
  const auto effects = Json::parse(gateway_.daemon.must({"channel", "show", "fake", "--json"}))["in_effect"];
  EXPECT_THAT(effects.dump(), HasSubstr("stream_usage of fake-a: not asked for, learnt from a refusal"));
}

TEST_F(OwnEdits, BothAtOnceAreLearntOneAfterTheOther) {
  refuse("stream_options", 422, k_no_stream_options);
  refuse("\"max_tokens\"", 400, k_no_max_tokens);
  EXPECT_EQ(ask({{"stream", true}}).status, 200);
  EXPECT_EQ(gateway_.arrived(), 3);
}

TEST_F(OwnEdits, WhatTheClientWroteItselfIsItsOwnError) {
  refuse("stream_options", 422, k_no_stream_options);
  const auto asked = ask({{"stream", true}, {"max_tokens", 100}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(asked.status, 422);
  EXPECT_EQ(asked.body, k_no_stream_options);
  EXPECT_EQ(gateway_.arrived(), 1);
  gateway_.upstream.reset();
  refuse("\"max_tokens\"", 400, k_no_max_tokens);
  const auto bound = ask({{"max_tokens", 100}});
  EXPECT_EQ(bound.status, 400);
  EXPECT_EQ(bound.body, k_no_max_tokens);
  EXPECT_EQ(gateway_.arrived(), 1);
  EXPECT_EQ(gateway_.posted("t"), 0);
}

TEST_F(OwnEdits, ARefusalThatTeachesNothingIsNotPassedOn) {
  refuse("\"max_tokens\"", 400, R"({"error":{"message":"max_tokens: no","param":"max_tokens"}})");
  const auto answer = ask();
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(error_code(answer), "upstream_invalid");
  EXPECT_THAT(answer.body, Not(HasSubstr("max_tokens: no")));
  EXPECT_EQ(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(OwnEdits, AnEditOfTheChannelBeginsAnew) {
  refuse("stream_options", 422, k_no_stream_options);
  EXPECT_EQ(ask({{"stream", true}, {"max_tokens", 100}}).status, 200);
  gateway_.upstream.reset();
  gateway_.daemon.must({"channel", "edit", "fake", "--note", "mended"});
  EXPECT_EQ(ask({{"stream", true}, {"max_tokens", 100}}).status, 200);
  EXPECT_EQ(gateway_.arrived(), 1);
  EXPECT_TRUE(last_body().contains("stream_options"));
}

}  // namespace
}  // namespace cr::test
