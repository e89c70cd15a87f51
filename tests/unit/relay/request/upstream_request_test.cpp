// SPDX-License-Identifier: MIT
// The head of a request to a provider, by the channel's kind: where it goes, what passes, and the credential last.
#include "relay/request/upstream_request.h"

#include <gtest/gtest.h>

namespace cr::relay::request {
namespace {

using dialect::Endpoint;
using ledger::ChannelKind;

class UpstreamRequestTest : public testing::Test {
 protected:
  UpstreamRequestTest() {
    address_.target.url = base::Url::parse("https://api.example.com/base/v1").value();
    address_.authority = "api.example.com";
    channel_.keys = {std::make_shared<const base::Secret>(std::string("sk-one")),
                     std::make_shared<const base::Secret>(std::string("sk-two"))};
  }

  std::string head(const UpstreamCall& call, std::uint32_t turn = 0,
                   const http::message::RequestHead* client = nullptr) {
    std::string text = "of the request before";
    write_upstream_head(text, channel_, address_, call, turn, client);
    return text;
  }

  ledger::ChannelRecord channel_;
  ChannelAddress address_;
};

const std::string k_usual = "accept-encoding: identity\r\nuser-agent: code-router/" CR_VERSION "\r\n";

TEST_F(UpstreamRequestTest, ToOpenAi) {
  EXPECT_EQ(head(call_of(Endpoint::chat_completions, "m", 12)),
            "POST /base/v1/chat/completions HTTP/1.1\r\nhost: api.example.com\r\ncontent-type: application/json\r\n"
            "content-length: 12\r\n" +
                k_usual + "authorization: Bearer sk-one\r\n\r\n");
}

TEST_F(UpstreamRequestTest, ToAnthropic) {
  channel_.kind = ChannelKind::anthropic;
  EXPECT_EQ(head(call_of(Endpoint::messages, "m", 12), 1),
            "POST /base/v1/messages HTTP/1.1\r\nhost: api.example.com\r\ncontent-type: application/json\r\n"
            "content-length: 12\r\n" +
                k_usual + "anthropic-version: 2023-06-01\r\nx-api-key: sk-two\r\n\r\n");
}

TEST_F(UpstreamRequestTest, AClientsVersionGoesInsteadOfOurs) {
  channel_.kind = ChannelKind::anthropic;
  http::message::RequestHead client;
  client.fields = {{"anthropic-version", "2030-01-01"}, {"openai-beta", "x"}, {"authorization", "Bearer cr-client"}};
  EXPECT_EQ(head(call_of(Endpoint::count_tokens, "m", 2), 3, &client),
            "POST /base/v1/messages/count_tokens HTTP/1.1\r\nhost: api.example.com\r\n"
            "content-type: application/json\r\ncontent-length: 2\r\n" +
                k_usual + "anthropic-version: 2030-01-01\r\nx-api-key: sk-two\r\n\r\n");
}

TEST_F(UpstreamRequestTest, WhatIsKeptIsAskedForAsItsClientDid) {
  channel_.keys.clear();
  UpstreamCall call;
  call.method = "GET";
  call.content_type = {};
  call.asked = {Endpoint::response_by_id, "/responses/resp_1/input_items", "limit=2&after=a", {}};
  EXPECT_EQ(head(call),
            "GET /base/v1/responses/resp_1/input_items?limit=2&after=a HTTP/1.1\r\n"
            "host: api.example.com\r\n" +
                k_usual + "\r\n");
}

TEST_F(UpstreamRequestTest, WithTheChannelsOwnFieldsAndABodyOfUnknownLength) {
  channel_.headers = {{"x-team", "a"}};
  EXPECT_EQ(head(call_of(Endpoint::audio_transcriptions, "m", std::nullopt)),
            "POST /base/v1/audio/transcriptions HTTP/1.1\r\nhost: api.example.com\r\n"
            "content-type: application/json\r\ntransfer-encoding: chunked\r\n" +
                k_usual + "x-team: a\r\nauthorization: Bearer sk-one\r\n\r\n");
}

}  // namespace
}  // namespace cr::relay::request
