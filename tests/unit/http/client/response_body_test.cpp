// SPDX-License-Identifier: MIT
#include "http/client/response_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace cr::http::client {
namespace {

class ResponseBodyTest : public testing::Test {
 protected:
  void begin(std::optional<std::uint64_t> length, bool chunked = false) {
    message::ResponseHead head;
    head.content_length = length;
    head.chunked = chunked;
    body_.begin(head);
  }
  void receive(std::string_view bytes) {
    const auto room = received_.make_room();
    std::copy(bytes.begin(), bytes.end(), room.begin());
    received_.filled(bytes.size());
  }
  // The pieces that can be had now, and what the last step said.
  std::string pieces(bool closed = false) {
    std::string text;
    for (;;) {
      const auto step = body_.step(received_, closed);
      last_ = step.state;
      if (step.state != BodyState::data) return text;
      text += step.data;
    }
  }
  ReceiveBuffer received_;
  ResponseBody body_;
  BodyState last_ = BodyState::need_more;
};

TEST_F(ResponseBodyTest, a_length_ends_it_and_what_follows_waits) {
  begin(6);
  EXPECT_FALSE(body_.is_done());
  receive("abc");
  EXPECT_EQ(pieces(), "abc");
  EXPECT_EQ(last_, BodyState::need_more);
  receive("defSURPLUS");
  EXPECT_EQ(pieces(), "def");
  EXPECT_EQ(last_, BodyState::done);
  EXPECT_TRUE(body_.is_done());
  EXPECT_EQ(received_.waiting(), "SURPLUS");
}

TEST_F(ResponseBodyTest, a_length_of_nothing_has_ended) {
  begin(0);
  EXPECT_TRUE(body_.is_done());
  EXPECT_EQ(pieces(), "");
  EXPECT_EQ(last_, BodyState::done);
}

TEST_F(ResponseBodyTest, a_closed_connection_ends_no_length) {
  begin(6);
  receive("abc");
  EXPECT_EQ(pieces(true), "abc");
  EXPECT_EQ(last_, BodyState::need_more);
  EXPECT_FALSE(body_.is_done());
}

TEST_F(ResponseBodyTest, chunks_end_with_the_last_one) {
  begin(std::nullopt, true);
  receive("3\r\nabc\r\n2\r\nde");
  EXPECT_EQ(pieces(), "abcde");
  EXPECT_EQ(last_, BodyState::need_more);
  receive("\r\n0\r\n\r\nX");
  EXPECT_EQ(pieces(), "");
  EXPECT_EQ(last_, BodyState::done);
  EXPECT_EQ(received_.waiting(), "X");
}

TEST_F(ResponseBodyTest, chunks_that_are_none_are_garbage) {
  begin(std::nullopt, true);
  receive("xyz\r\n");
  EXPECT_EQ(pieces(), "");
  EXPECT_EQ(last_, BodyState::garbage);
}

TEST_F(ResponseBodyTest, without_either_the_connection_ends_it) {
  begin(std::nullopt);
  EXPECT_TRUE(body_.ends_with_connection());
  receive("abc");
  EXPECT_EQ(pieces(), "abc");
  EXPECT_EQ(last_, BodyState::need_more);
  receive("def");
  EXPECT_EQ(pieces(true), "def");
  EXPECT_EQ(last_, BodyState::done);
}

TEST_F(ResponseBodyTest, the_next_response_begins_anew) {
  begin(1);
  receive("a");
  pieces();
  ASSERT_TRUE(body_.is_done());
  body_.forget();
  EXPECT_FALSE(body_.is_done());
  begin(2);
  EXPECT_FALSE(body_.ends_with_connection());
  receive("bc");
  EXPECT_EQ(pieces(), "bc");
}

}  // namespace
}  // namespace cr::http::client
