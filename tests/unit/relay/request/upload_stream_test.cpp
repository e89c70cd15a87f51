// SPDX-License-Identifier: MIT
// A form on its way from its client to a channel, both scripted: what of it arrives, and what ends it early.
#include "relay/request/upload_stream.h"

#include <gmock/gmock.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>
#include <random>

#include "relay/request/upload_stream_steps.h"

namespace cr::relay::request {
namespace {

namespace asio = http::asio;
using http::client::AnswerOutcome;
using http::server::ReadOutcome;

const std::string k_held =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
const std::string k_end = "\r\n--b--\r\n";

// Resumes who waits once it is told to.
class Event {
 public:
  explicit Event(asio::io_context& io) : timer_(io, std::chrono::steady_clock::time_point::max()) {}
  http::Task<void> wait() {
    if (!set_) co_await timer_.async_wait(http::k_await);
  }
  void set() {
    set_ = true;
    timer_.cancel();
  }

 private:
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, http::Executor>
      timer_;
  bool set_ = false;
};

// Sends its pieces, then what `last` says.
struct Sender {
  explicit Sender(asio::io_context& on) : io(on), cancelled(on) {}
  http::Executor executor() { return io.get_executor(); }
  http::Task<ReadOutcome> read_piece(std::string_view& piece) {
    if (before_read) before_read(next);
    piece = {};
    if (reads_cancelled > 0) co_return ReadOutcome::closed;
    if (next < pieces.size()) {
      piece = pieces[next++];
      co_return ReadOutcome::ok;
    }
    if (waits) co_await cancelled.wait();
    co_return last;
  }
  void cancel_read() {
    ++reads_cancelled;
    cancelled.set();
  }
  bool body_ended() const { return next == pieces.size() && last == ReadOutcome::ok; }

  asio::io_context& io;
  Event cancelled;
  std::vector<std::string> pieces;
  std::size_t next = 0;
  ReadOutcome last = ReadOutcome::ok;
  bool waits = false;  // after its pieces, for a read that is cancelled
  std::function<void(std::size_t)> before_read;
  int reads_cancelled = 0;
};

// Takes what is sent to it; answers when the test, or the end of the request, says so.
struct Receiver {
  explicit Receiver(asio::io_context& io) : answered(io), full(io) {}
  void begin_request() { begun = true; }
  http::Task<AnswerOutcome> read_head(std::chrono::milliseconds) {
    co_await answered.wait();
    co_return outcome;
  }
  http::Task<bool> send_piece(std::span<const asio::const_buffer> buffers) {
    ++sends;
    if (stops_reading) co_await full.wait();
    if (sends > sends_max || cancelled) co_return false;
    for (const auto& buffer : buffers) got.append(static_cast<const char*>(buffer.data()), buffer.size());
    co_return true;
  }
  void answer(int status) {
    answer_head.status = status;
    outcome = AnswerOutcome::ok;
    answered.set();
  }
  void cancel() {
    cancelled = true;
    outcome = AnswerOutcome::cancelled;
    answered.set();
    full.set();
  }
  void cancel_send() { ++sends_cancelled; }
  void answer_within(std::chrono::milliseconds) {
    awaited = true;
    if (answers_at_end) answer(200);
  }
  void forbid_reuse() { reusable = false; }
  const http::message::ResponseHead& head() const { return answer_head; }

  Event answered, full;
  http::message::ResponseHead answer_head;
  AnswerOutcome outcome = AnswerOutcome::closed;
  std::string got;
  std::size_t sends = 0, sends_max = SIZE_MAX;
  bool answers_at_end = true, stops_reading = false;
  bool begun = false, cancelled = false, awaited = false, reusable = true;
  int sends_cancelled = 0;
};

struct Told {
  AnswerOutcome outcome = AnswerOutcome::closed;
  bool ended = false, sent = false, stalled = false;
};

class UploadStreamTest : public testing::Test {
 protected:
  UploadStreamTest() {
    head_.method = http::message::Method::post;
    head_.fields = {{"content-type", "multipart/form-data; boundary=b"}};
    settings_->body_bytes_max = 64;
    channel_.timeout_first_byte = channel_.timeout_idle = std::chrono::hours(1);
  }
  void begin(std::optional<std::uint64_t> length) {
    head_.content_length = length;
    head_.chunked = !length;
    context_.emplace(head_, dialect::Endpoint::audio_transcriptions, base::RequestId::make(base::wall_now()),
                     ledger::DirectorySnapshot(), settings_);
    body_.emplace(head_, context_->endpoint, *settings_, context_->started);
    ASSERT_FALSE(body_->begin(budget_, token_));
    ASSERT_FALSE(body_->take(k_held, false));
    ASSERT_TRUE(body_->streams());
  }
  Told run_upload() {
    Told run;
    BasicUploadStream<Sender, Receiver> upload(*context_, *body_, client_, upstream_, channel_, heartbeat_);
    const std::array<asio::const_buffer, 2> request{asio::buffer(k_head_text), asio::buffer(k_held)};
    const auto story = [](auto& stream, std::span<const asio::const_buffer> first, Told& told,
                          http::Heartbeat& heartbeat) -> http::Task<void> {
      told.outcome = co_await stream.run(first);
      told.ended = true;
      heartbeat.stop();
    };
    asio::co_spawn(io_, story(upload, request, run, heartbeat_), asio::detached);
    io_.run();
    run.sent = upload.sent();
    run.stalled = upload.stalled();
    EXPECT_TRUE(run.ended);
    EXPECT_TRUE(upstream_.begun);
    return run;
  }
  void send_in_pieces(const std::string& text, std::mt19937& random) {
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(text.size() - at, 1 + random() % 40);
      client_.pieces.push_back(text.substr(at, size));
      at += size;
    }
  }

  static constexpr std::string_view k_head_text = "POST /v1/audio/transcriptions HTTP/1.1\r\n\r\n";
  asio::io_context io_;
  http::Heartbeat heartbeat_{io_};
  http::message::RequestHead head_;
  std::shared_ptr<policy::Settings> settings_ = std::make_shared<policy::Settings>();
  base::MemoryBudget budget_{{std::uint64_t{4} << 20, 0}};
  ledger::TokenRecord token_;
  ledger::ChannelRecord channel_;
  std::optional<RequestContext> context_;
  std::optional<BodySource> body_;
  Sender client_{io_};
  Receiver upstream_{io_};
};

TEST_F(UploadStreamTest, all_of_it_arrives_however_it_comes) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    const auto text = std::string(random() % 500, 's') + k_end;
    io_.restart();
    client_.pieces.clear();
    client_.next = 0;
    upstream_.got.clear();
    begin(k_held.size() + text.size());
    send_in_pieces(text, random);
    const auto told = run_upload();
    EXPECT_TRUE(told.sent);
    EXPECT_EQ(told.outcome, AnswerOutcome::ok);
    EXPECT_EQ(upstream_.got, std::string(k_head_text) + k_held + text);
    EXPECT_TRUE(upstream_.reusable);
    EXPECT_FALSE(body_->is_replayable());
  }
}

TEST_F(UploadStreamTest, without_a_length_each_piece_is_a_chunk_and_the_last_one_ends_it) {
  begin(std::nullopt);
  client_.pieces = {"sound", k_end};
  EXPECT_TRUE(run_upload().sent);
  EXPECT_EQ(upstream_.got, std::string(k_head_text) + k_held + "5\r\nsound\r\n9\r\n" + k_end + "\r\n0\r\n\r\n");
  EXPECT_TRUE(upstream_.awaited);
}

TEST_F(UploadStreamTest, a_client_that_leaves_leaves_the_channel_without_a_whole_request) {
  begin(std::nullopt);
  client_.pieces = {"sound"};
  client_.last = ReadOutcome::closed;
  const auto told = run_upload();
  EXPECT_FALSE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::cancelled);
  EXPECT_TRUE(upstream_.cancelled);
  EXPECT_TRUE(body_->client_left());
  EXPECT_TRUE(body_->has_late_refusal());
  EXPECT_EQ(upstream_.got, std::string(k_head_text) + k_held + "5\r\nsound\r\n");
}

TEST_F(UploadStreamTest, a_form_that_is_refused_under_way_is_not_sent_whole) {
  begin(std::nullopt);
  client_.pieces = {"sound that has no end"};
  const auto told = run_upload();
  EXPECT_FALSE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::cancelled);
  EXPECT_EQ(body_->late_refusal()->code, dialect::RefusalCode::invalid_multipart);
  EXPECT_FALSE(body_->client_left());
  EXPECT_EQ(upstream_.got, std::string(k_head_text) + k_held) << "the last piece stays here";
}

TEST_F(UploadStreamTest, an_early_refusal_ends_the_sending) {
  begin(std::nullopt);
  client_.pieces = {"one", "two"};
  client_.waits = true;
  client_.last = ReadOutcome::closed;
  client_.before_read = [&](std::size_t next) {
    if (next == 2) upstream_.answer(413);
  };
  const auto told = run_upload();
  EXPECT_FALSE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::ok);
  EXPECT_EQ(client_.reads_cancelled, 1);
  EXPECT_EQ(upstream_.sends_cancelled, 1);
  EXPECT_FALSE(upstream_.reusable);
  EXPECT_FALSE(upstream_.cancelled) << "its answer is still to be read";
  EXPECT_FALSE(body_->has_late_refusal());
}

TEST_F(UploadStreamTest, an_early_success_gets_the_rest_all_the_same) {
  begin(std::nullopt);
  client_.pieces = {"one", "two", k_end};
  client_.before_read = [&](std::size_t next) {
    if (next == 1) upstream_.answer(200);
  };
  const auto told = run_upload();
  EXPECT_TRUE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::ok);
  EXPECT_EQ(client_.reads_cancelled, 0);
  EXPECT_TRUE(upstream_.reusable);
}

TEST_F(UploadStreamTest, a_send_that_fails_waits_for_what_the_channel_said_before) {
  begin(std::nullopt);
  client_.pieces = {"one", "two", k_end};
  upstream_.sends_max = 2;
  const auto told = run_upload();
  EXPECT_FALSE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::ok);
  EXPECT_FALSE(upstream_.reusable);
  EXPECT_EQ(client_.next, 2U) << "nothing more is read for it";
}

TEST_F(UploadStreamTest, a_channel_that_stops_reading_is_given_up) {
  channel_.timeout_idle = std::chrono::milliseconds(0);
  begin(std::nullopt);
  client_.pieces = {k_end};
  upstream_.stops_reading = true;
  heartbeat_.start();
  const auto told = run_upload();
  EXPECT_TRUE(told.stalled);
  EXPECT_FALSE(told.sent);
  EXPECT_EQ(told.outcome, AnswerOutcome::cancelled);
  EXPECT_EQ(client_.next, 0U);
}

}  // namespace
}  // namespace cr::relay::request
