// SPDX-License-Identifier: MIT
// What a client has seen of its response, whatever its socket takes at once, and when it leaves.
#include "relay/request/response_writer.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <random>

#include "relay/request/response_writer_steps.h"
#include "unit/relay/request/scripted_client.h"

namespace cr::relay::request {
namespace {

using testing::HasSubstr;
using testing::Not;
using Writer = BasicResponseWriter<ScriptedClient>;
using Part = Writer::Part;

constexpr std::string_view k_request_id = "0123";

class ResponseWriterTest : public testing::Test {
 protected:
  Writer& begin(std::optional<std::uint64_t> length, bool draining = false) {
    writer_.emplace(client_, request_, settings_);
    AnswerHead head;
    head.content_length = length;
    head.to.request_id = k_request_id;
    writer_->begin(head, draining);
    // What must come of it, by the function that everything writes heads with.
    head_text_.clear();
    append_head(head_text_, head);
    return *writer_;
  }
  // False: the client is gone.
  bool write(std::string_view data, Part part = Part::middle) {
    auto written = writer_->try_write(data, part);
    if (!written) {
      http::asio::io_context io;
      http::asio::co_spawn(
          io,
          [](Writer& writer, std::optional<bool>& ok) -> http::Task<void> { ok = co_await writer.write_rest(); }(
                                                          *writer_, written),
          http::asio::detached);
      io.run();
    }
    return writer_->wrote(written.value());
  }
  base::SteadyTime later() const { return base::coarse_now() + settings_.comment_interval; }

  ScriptedClient client_;
  http::message::RequestHead request_;
  policy::Settings settings_;
  std::optional<Writer> writer_;
  std::string head_text_;
};

TEST_F(ResponseWriterTest, a_response_of_known_length_is_one_write) {
  begin(5);
  EXPECT_TRUE(writer_->head_sent());
  EXPECT_TRUE(writer_->head_waits());
  EXPECT_EQ(client_.seen, "") << "the head goes out with the first piece";
  EXPECT_TRUE(write("hello", Part::last));
  EXPECT_FALSE(writer_->head_waits());
  EXPECT_EQ(client_.seen, head_text_ + "hello");
  EXPECT_EQ(client_.writes, 1U);
  EXPECT_EQ(writer_->persistence(), Persistence::keep_alive);
}

TEST_F(ResponseWriterTest, without_a_length_the_body_goes_in_chunks) {
  begin(std::nullopt);
  EXPECT_TRUE(writer_->is_chunked());
  write("hello");
  write(std::string(26, 'x'), Part::last);
  EXPECT_EQ(client_.seen, head_text_ + "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST_F(ResponseWriterTest, in_http_1_0_the_connections_end_is_the_bodys) {
  request_.minor_version = 0;
  begin(std::nullopt);
  write("hello");
  write({}, Part::last);
  EXPECT_EQ(client_.seen, head_text_ + "hello");
  EXPECT_EQ(writer_->persistence(), Persistence::close);
}

TEST_F(ResponseWriterTest, whether_the_connection_goes_on) {
  struct Row {
    bool keep_alive, goes_on, draining;
    Persistence persistence;
  };
  const std::vector<Row> rows = {{true, true, false, Persistence::keep_alive},
                                 {false, true, false, Persistence::close},
                                 {true, false, false, Persistence::close},
                                 {true, true, true, Persistence::close}};
  for (const auto& row : rows) {
    request_.keep_alive = row.keep_alive;
    client_.goes_on = row.goes_on;
    EXPECT_EQ(begin(5, row.draining).persistence(), row.persistence);
    writer_->close_after();
    EXPECT_EQ(writer_->persistence(), Persistence::close);
  }
}

TEST_F(ResponseWriterTest, a_full_socket_is_waited_for_and_no_comment_comes_between) {
  client_.room = 3;
  begin(std::nullopt);
  writer_->allow_comments(true);
  client_.while_full = [&] { writer_->tick(later()); };
  EXPECT_TRUE(write("hello"));
  EXPECT_EQ(client_.times_full, 1U);
  EXPECT_EQ(client_.comments, 0U);
  EXPECT_EQ(client_.seen, head_text_ + "5\r\nhello\r\n");
}

TEST_F(ResponseWriterTest, comments_stand_between_the_pieces_of_a_silent_stream) {
  begin(std::nullopt);
  writer_->tick(later());
  EXPECT_EQ(client_.comments, 0U) << "none are allowed";
  writer_->allow_comments(true);
  writer_->tick(later());
  EXPECT_EQ(client_.comments, 0U) << "the head waits";
  write("data: 1\n\n");
  writer_->tick(base::coarse_now());
  EXPECT_EQ(client_.comments, 0U) << "none is due";
  writer_->tick(later());
  write("data: 2\n\n", Part::last);
  const auto seen = seen_response(client_.seen);
  EXPECT_TRUE(seen.whole);
  EXPECT_EQ(seen.chunks, (std::vector<std::string>{"data: 1\n\n", ":\n\n", "data: 2\n\n"}));
}

TEST_F(ResponseWriterTest, a_client_that_half_closed_is_asked_once_whether_it_reads) {
  begin(std::nullopt);
  writer_->allow_comments(true);
  write("data: 1\n\n");
  writer_->half_closed(base::coarse_now());
  writer_->half_closed(base::coarse_now());
  EXPECT_EQ(client_.comments, 1U);
  EXPECT_FALSE(writer_->client_gone());
}

TEST_F(ResponseWriterTest, a_client_that_is_gone_is_written_nothing_more) {
  begin(std::nullopt);
  writer_->allow_comments(true);
  EXPECT_TRUE(write("data: 1\n\n"));
  client_.gone = true;
  writer_->tick(later());
  EXPECT_TRUE(writer_->client_gone()) << "the comment found out";
  const auto drain_until = writer_->drain_until();
  const auto writes = client_.writes;
  EXPECT_FALSE(write("data: 2\n\n"));
  EXPECT_EQ(client_.writes, writes);
  writer_->tick(later() + settings_.comment_interval);
  EXPECT_EQ(client_.comments, 1U);
  writer_->client_left();
  EXPECT_EQ(writer_->drain_until(), drain_until) << "the first time counts";
}

TEST_F(ResponseWriterTest, a_client_that_leaves_while_it_is_waited_for_is_gone) {
  client_.room = 3;
  begin(std::nullopt);
  client_.while_full = [&] { client_.gone = true; };
  EXPECT_FALSE(write("hello"));
  EXPECT_TRUE(writer_->client_gone());
}

TEST_F(ResponseWriterTest, what_breaks_off_has_no_end) {
  begin(std::nullopt);
  write("hello");
  writer_->break_off();
  EXPECT_TRUE(client_.broken_off);
  EXPECT_EQ(writer_->persistence(), Persistence::close);
  EXPECT_FALSE(seen_response(client_.seen).whole);
  EXPECT_FALSE(client_.was_cut);
  writer_->cut();
  EXPECT_TRUE(client_.was_cut);
  EXPECT_TRUE(writer_->was_cut());
  EXPECT_TRUE(writer_->client_gone());
}

// The model: the head, then each piece and each comment framed by itself, then the end; up to where the client left.
TEST_F(ResponseWriterTest, random_pieces_come_as_the_model_says) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    client_ = {};
    request_.minor_version = random() % 8 == 0 ? 0 : 1;
    const bool chunked = request_.minor_version == 1;
    begin(std::nullopt);
    writer_->allow_comments(true);
    const auto framed = [&](const std::string& data) {
      std::array<char, 24> line;
      std::snprintf(line.data(), line.size(), "%zx\r\n", data.size());
      return chunked ? line.data() + data + "\r\n" : data;
    };
    std::string model;
    std::size_t comments = 0;
    const auto pieces = random() % 20;
    for (std::size_t i = 0; i < pieces; ++i) {
      client_.room = random() % 3 == 0 ? random() % 700 : std::string::npos;
      const std::string data(1 + random() % 600, static_cast<char>('a' + i));
      ASSERT_TRUE(write(data));
      model += (i == 0 ? head_text_ : std::string()) + framed(data);
      if (random() % 4 == 0) {
        writer_->tick(later());
        model += framed(":\n\n");
        ++comments;
      }
      ASSERT_EQ(client_.seen, model);
    }
    client_.gone = random() % 4 == 0;
    const bool ended = write({}, Part::last);
    EXPECT_EQ(ended, !client_.gone);
    if (ended) model += (pieces == 0 ? head_text_ : std::string()) + (chunked ? "0\r\n\r\n" : "");
    EXPECT_EQ(client_.seen, model);
    EXPECT_EQ(client_.comments, comments);
  }
}

}  // namespace
}  // namespace cr::relay::request
