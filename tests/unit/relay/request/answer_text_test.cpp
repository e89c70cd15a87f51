// SPDX-License-Identifier: MIT
#include "relay/request/answer_text.h"

#include <gmock/gmock.h>

namespace cr::relay::request {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(AnswerText, ARefusalSaysAllOfItsRow) {
  const dialect::Refusal refusal{dialect::RefusalCode::invalid_api_key, "no API key", {}, {}};
  const auto text = refusal_text(refusal, {"req_1"}, Persistence::keep_alive);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nx-request-id: req_1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nwww-authenticate: Bearer\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nx-should-retry: false\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("\r\nconnection: close")));
  const auto body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_THAT(text, HasSubstr("\r\ncontent-length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_THAT(body, HasSubstr(R"("code":"invalid_api_key")"));
}

TEST(AnswerText, ARetryMayComeLater) {
  const dialect::Refusal refusal{dialect::RefusalCode::overloaded, "full", {}, std::chrono::seconds(7)};
  const auto text = refusal_text(refusal, {"req_1"}, Persistence::close);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(text, HasSubstr("\r\nretry-after: 7\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nconnection: close\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("x-should-retry")));
}

TEST(AnswerText, MethodsAreNamed) {
  const dialect::Refusal get{dialect::RefusalCode::method_not_allowed, "GET only", "GET", {}};
  const dialect::Refusal post{dialect::RefusalCode::method_not_allowed, "POST only", "POST", {}};
  EXPECT_THAT(refusal_text(get, {"r"}, Persistence::close), HasSubstr("\r\nallow: GET\r\n"));
  EXPECT_THAT(refusal_text(post, {"r"}, Persistence::close), HasSubstr("\r\nallow: POST\r\n"));
}

TEST(AnswerText, AcceptedCodingsAreNamed) {
  const dialect::Refusal coding{dialect::RefusalCode::unsupported_encoding, "not this", {}, {}};
  const dialect::Refusal type{dialect::RefusalCode::unsupported_media_type, "not this", {}, {}};
  EXPECT_THAT(refusal_text(coding, {"r"}, Persistence::close),
              HasSubstr("\r\naccept-encoding: gzip, deflate, zstd\r\n"));
  EXPECT_THAT(refusal_text(type, {"r"}, Persistence::close), Not(HasSubstr("accept-encoding")));
}

// RFC 9110, 8.6 and 15.3.5; RFC 9112, 6.1.
TEST(AnswerText, WhatHasNoBodyHasNoFramingOfOne) {
  for (const int status : {204, 304}) {
    for (const bool chunked : {false, true}) {
      AnswerHead head;
      head.status = status;
      head.content_type = "text/event-stream";
      head.chunked = chunked;
      if (!chunked) head.content_length = 0;
      std::string text;
      append_head(text, head);
      EXPECT_THAT(text, Not(HasSubstr("content-"))) << status;
      EXPECT_THAT(text, Not(HasSubstr("transfer-encoding"))) << status;
    }
  }
}

TEST(AnswerText, AStreamHasNoLength) {
  AnswerHead head;
  head.content_type = "text/event-stream";
  head.chunked = true;
  head.to.request_id = "req_2";
  head.output_limit = 128;
  std::string text;
  append_head(text, head);
  EXPECT_THAT(text, HasSubstr("\r\ntransfer-encoding: chunked\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nx-crd-output-limit: 128\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("content-length")));
}

TEST(AnswerText, WhatAnUpstreamWroteCannotBreakOut) {
  AnswerHead head;
  head.content_type = "text/plain\r\nset-cookie: x";
  head.content_length = 0;
  head.to.request_id = "req_3";
  std::string text;
  append_head(text, head);
  EXPECT_THAT(text, Not(HasSubstr("set-cookie")));
}

TEST(AnswerText, ToHeadThereIsNoBodyButItsLength) {
  const dialect::Refusal refusal{dialect::RefusalCode::method_not_allowed, "POST only", "POST", {}};
  for (const auto dialect : {dialect::Dialect::openai, dialect::Dialect::anthropic}) {
    const auto with_body = refusal_text(refusal, {"r", dialect}, Persistence::keep_alive);
    const auto end = with_body.find("\r\n\r\n") + 4;
    EXPECT_EQ(refusal_text(refusal, {"r", dialect, true}, Persistence::keep_alive), with_body.substr(0, end));
  }
  const auto own = json_text(200, "{}", {"r", dialect::Dialect::openai, true}, Persistence::keep_alive);
  EXPECT_THAT(own, HasSubstr("\r\ncontent-length: 2\r\n"));
  EXPECT_TRUE(own.ends_with("\r\n\r\n"));
}

TEST(AnswerText, AnthropicsSdksFindTheIdWhereTheyLook) {
  AnswerHead head;
  head.to = {"req_4", dialect::Dialect::anthropic};
  std::string text;
  append_head(text, head);
  EXPECT_THAT(text, HasSubstr("\r\nx-request-id: req_4\r\nrequest-id: req_4\r\n"));
  text.clear();
  head.to.dialect = dialect::Dialect::openai;
  append_head(text, head);
  EXPECT_THAT(text, Not(HasSubstr("\r\nrequest-id: ")));
}

TEST(AnswerText, DialectByPath) {
  EXPECT_EQ(dialect_of_path("/v1/messages"), dialect::Dialect::anthropic);
  EXPECT_EQ(dialect_of_path("/v1/messages/count_tokens"), dialect::Dialect::anthropic);
  EXPECT_EQ(dialect_of_path("/v1/chat/completions"), dialect::Dialect::openai);
}

}  // namespace
}  // namespace cr::relay::request
