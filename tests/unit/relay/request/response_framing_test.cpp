// SPDX-License-Identifier: MIT
// What of a response goes to its client, byte for byte and in which order, and when a comment may stand in it.
#include "relay/request/response_framing.h"

#include <gmock/gmock.h>

namespace cr::relay::request {
namespace {

using Part = ResponseFraming::Part;
using testing::EndsWith;
using testing::StartsWith;

constexpr std::chrono::milliseconds k_interval{15'000};

// What a socket would be given.
std::string text_of(http::Gather gather) {
  std::string text(4096, '\0');
  text.resize(gather.take(text.data(), text.size()));
  return text;
}

class ResponseFramingTest : public testing::Test {
 protected:
  void begin(std::optional<std::uint64_t> length) {
    AnswerHead head;
    head.content_length = length;
    head.chunked = !length;
    head.to.request_id = "req_1";
    framing_.begin(head, now_);
  }
  std::string write(std::string_view data, Part part = Part::middle) {
    auto text = text_of(framing_.compose(data, part));
    framing_.wrote();
    return text;
  }
  base::SteadyTime now_{std::chrono::hours(1)};
  ResponseFraming framing_{k_interval};
};

TEST_F(ResponseFramingTest, the_head_waits_for_the_first_piece) {
  EXPECT_FALSE(framing_.begun());
  begin(5);
  EXPECT_TRUE(framing_.begun());
  EXPECT_TRUE(framing_.head_waits());
  const auto text = write("hello", Part::last);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\nhello"));
  EXPECT_FALSE(framing_.head_waits());
}

TEST_F(ResponseFramingTest, a_head_goes_out_alone) {
  begin(std::nullopt);
  EXPECT_THAT(write({}), EndsWith("\r\n\r\n"));
}

TEST_F(ResponseFramingTest, pieces_of_a_known_length_go_as_they_are) {
  begin(6);
  write("abc");
  EXPECT_EQ(write("def", Part::last), "def");
}

TEST_F(ResponseFramingTest, without_a_length_each_piece_is_a_chunk) {
  begin(std::nullopt);
  EXPECT_THAT(write("0123456789abcdef!"), EndsWith("\r\n\r\n11\r\n0123456789abcdef!\r\n"));
  EXPECT_EQ(write("x"), "1\r\nx\r\n");
  EXPECT_EQ(write("end", Part::last), "3\r\nend\r\n0\r\n\r\n");
}

TEST_F(ResponseFramingTest, nothing_is_no_chunk_but_may_end_the_body) {
  begin(std::nullopt);
  write("x");
  EXPECT_EQ(write({}), "");
  EXPECT_EQ(write({}, Part::last), "0\r\n\r\n");
}

TEST_F(ResponseFramingTest, until_the_connection_closes_nothing_frames_the_body) {
  AnswerHead head;
  framing_.begin(head, now_);
  EXPECT_THAT(write("x"), EndsWith("\r\n\r\nx"));
  EXPECT_EQ(write("y", Part::last), "y");
  EXPECT_EQ(framing_.comment(), ":\n\n");
}

// A response that breaks off has no end: the last bytes are a whole chunk and no terminator.
TEST_F(ResponseFramingTest, an_error_event_is_a_chunk_without_an_end) {
  begin(std::nullopt);
  write("data: 1\n\n");
  EXPECT_EQ(write("data: {\"error\":1}\n\n"), "13\r\ndata: {\"error\":1}\n\n\r\n");
}

TEST_F(ResponseFramingTest, a_comment_is_due_after_a_silence) {
  begin(std::nullopt);
  const auto later = now_ + k_interval;
  EXPECT_FALSE(framing_.is_comment_due(later)) << "no stream";
  framing_.allow_comments(true);
  EXPECT_FALSE(framing_.is_comment_due(later)) << "the head waits";
  write({});
  EXPECT_FALSE(framing_.is_comment_due(later - std::chrono::milliseconds(1)));
  EXPECT_TRUE(framing_.is_comment_due(later));
  EXPECT_EQ(framing_.comment(), "3\r\n:\n\n\r\n");
  framing_.note_write(later);
  EXPECT_FALSE(framing_.is_comment_due(later));
  EXPECT_TRUE(framing_.is_comment_due(later + k_interval));
  framing_.allow_comments(false);
  EXPECT_FALSE(framing_.is_comment_due(later + k_interval));
}

TEST_F(ResponseFramingTest, no_comment_tears_a_piece_under_way) {
  begin(std::nullopt);
  framing_.allow_comments(true);
  write({});
  (void)framing_.compose("data: 1\n\n", Part::middle);
  EXPECT_FALSE(framing_.is_comment_due(now_ + 2 * k_interval));
  EXPECT_FALSE(framing_.probe_half_closed());
  framing_.wrote();
  EXPECT_TRUE(framing_.is_comment_due(now_ + 2 * k_interval));
}

TEST_F(ResponseFramingTest, a_half_closed_client_is_probed_once) {
  begin(std::nullopt);
  EXPECT_FALSE(framing_.probe_half_closed()) << "no stream";
  framing_.allow_comments(true);
  EXPECT_FALSE(framing_.probe_half_closed()) << "the head waits";
  write({});
  EXPECT_TRUE(framing_.probe_half_closed());
  EXPECT_FALSE(framing_.probe_half_closed());
}

}  // namespace
}  // namespace cr::relay::request
