// SPDX-License-Identifier: MIT
// One response on its way through the meter to its client, both scripted: what the client sees, what the ledger and the
// circuit breaker are told, however the response comes and however it ends.
#include "relay/request/response_pump.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <random>

#include "relay/request/response_pump_steps.h"
#include "relay/request/response_writer_steps.h"
#include "unit/dialect/meter_of.h"
#include "unit/relay/request/one_request.h"
#include "unit/relay/request/scripted_client.h"

namespace cr::relay::request {
namespace {

using ledger::Ending;
using routing::CircuitBreaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using State = ResponseStep::State;
using Writer = BasicResponseWriter<ScriptedClient>;

const std::string k_plain =
    R"({"choices":[{"message":{"content":"0123456789abcdef"}}],"usage":{"prompt_tokens":10,"completion_tokens":20}})";
const std::string k_word = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"0123456789abcdef\"}}]}\n\n";
const std::string k_usage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}}\n\n";
const std::string k_done = "data: [DONE]\n\n";
constexpr std::int64_t k_told = 10 * 1000 + 20 * 2000;
constexpr std::int64_t k_estimated = 100 * 1000 + 4 * 2000;  // of a request of 400 bytes and a word of 16

// A response in pieces, between which the pump must wait for more; then it ends in `last`.
struct ScriptedSource {
  int status() const { return code; }
  std::string_view content_type() const { return type; }
  bool is_event_stream() const { return type == "text/event-stream"; }
  std::optional<std::uint64_t> content_length() const { return length; }
  const std::optional<std::string>& retry_after() const { return retry; }
  ResponseStep step() {
    if (cancelled) return {State::cancelled, {}};
    if (!came) return {State::need_more, {}};
    if (next == pieces.size()) return {last, {}};
    came = !waits;
    return {State::data, pieces[next++]};
  }
  http::Task<void> fill(std::chrono::milliseconds) {
    ++fills;
    came = true;
    if (on_fill) on_fill(next);
    co_return;
  }
  void cancel() { cancelled = true; }
  std::uint64_t held_bytes() const { return 0; }

  int code = 200;
  std::string type = "application/json";
  std::optional<std::uint64_t> length;
  std::optional<std::string> retry;
  std::vector<std::string> pieces;
  State last = State::done;
  bool waits = true, came = false, cancelled = false;
  std::size_t next = 0, fills = 0;
  std::function<void(std::size_t)> on_fill;
};

struct ScriptedAttempt {
  using Response = BasicOpenResponse<ScriptedSource>;
  Response* response() { return &open; }
  const ledger::ChannelRecord& channel() const { return *from; }
  const AnswerFields& passed() const { return fields; }
  LastAttempt facts() const {
    LastAttempt last;
    last.channel = from;
    last.upstream_model = "m";
    last.meter = &open.meter;
    last.passed_error = open.passed_error();
    last.unread_bytes = open.unread_bytes;
    return last;
  }
  void finish(CircuitBreaker::Finish how) { finishes.push_back(how); }

  Response open;
  const ledger::ChannelRecord* from;
  AnswerFields fields{};
  std::vector<CircuitBreaker::Finish> finishes{};
};

using Pump = BasicResponsePump<Writer, ScriptedAttempt>;

class ResponsePumpTest : public testing::Test {
 protected:
  // A request of 400 bytes; a stream hides the usage that crd asked for itself.
  void begin(bool stream = false, ScriptedSource source = {}) {
    request_.begin(chat_of(400, stream ? R"("stream":true,"max_tokens":256,)" : R"("max_tokens":256,)"));
    held_ = request_.reserve();
    claimed_ = request_.failover->next();
    ASSERT_TRUE(claimed_);
    const auto usage = stream ? dialect::UsageEvent::hide : dialect::UsageEvent::forward;
    attempt_.emplace(
        ScriptedAttempt{{std::move(source), dialect::meter_of(request_.endpoint, usage)}, claimed_->route->channel});
    attempt_->open.answered = true;
    writer_.emplace(client_, request_.head, *request_.context->settings);
  }
  static ScriptedSource plain(std::vector<std::string> pieces, State last = State::done) {
    ScriptedSource source;
    source.pieces = std::move(pieces);
    source.last = last;
    return source;
  }
  static ScriptedSource stream(std::vector<std::string> pieces, State last = State::done) {
    auto source = plain(std::move(pieces), last);
    source.type = "text/event-stream";
    return source;
  }
  Pump::End run() {
    pump_.emplace(Pump::Parts{*request_.context, *request_.admission, *request_.body, *request_.failover,
                              *request_.entry, watch_, io_, request_.memory, draining_},
                  *writer_, *attempt_);
    std::optional<Pump::End> end;
    const auto story = [](Pump& each, std::optional<Pump::End>& told) -> http::Task<void> {
      told = co_await each.run();
    };
    io_.restart();
    http::asio::co_spawn(io_, story(*pump_, end), http::asio::detached);
    io_.run();
    EXPECT_TRUE(end);
    return end.value_or(Pump::End::over);
  }
  void expect_settled(Ending ending, std::int64_t cost, std::uint32_t flags, int status) {
    const auto row = request_.settled_once();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->ending, ending);
    EXPECT_EQ(row->cost.nano(), cost);
    EXPECT_EQ(row->flags, flags);
    EXPECT_EQ(row->status, status);
    EXPECT_EQ(row->reserved, *held_);
  }
  SeenResponse seen() const { return seen_response(client_.seen); }
  // In pieces of random sizes.
  static std::vector<std::string> split(const std::string& text, std::mt19937& random) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size())
      pieces.push_back(text.substr(at, 1 + random() % 60));
    return pieces;
  }

  OneRequest request_;
  http::asio::io_context io_;
  http::Heartbeat heartbeat_{io_};
  http::Watch watch_{heartbeat_, {}};
  std::atomic<bool> draining_{false};
  std::optional<base::Credits> held_;
  std::optional<ClaimedRoute> claimed_;
  std::optional<ScriptedAttempt> attempt_;
  ScriptedClient client_;
  std::optional<Writer> writer_;
  std::optional<Pump> pump_;
};

TEST_F(ResponsePumpTest, a_plain_response_is_one_write_and_one_settlement) {
  begin(false, plain({k_plain}));
  EXPECT_EQ(run(), Pump::End::over);
  EXPECT_EQ(seen().body, k_plain);
  EXPECT_THAT(seen().head, HasSubstr("content-length: " + std::to_string(k_plain.size())));
  EXPECT_EQ(client_.writes, 1U);
  expect_settled(Ending::complete, k_told, 0, 200);
  EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::whole));
  EXPECT_EQ(writer_->persistence(), Persistence::keep_alive);
}

TEST_F(ResponsePumpTest, the_settlement_is_queued_before_the_client_sees_the_end) {
  client_.room = 0;
  std::size_t queued = 0;
  client_.while_full = [&] { queued = request_.engine->queue().backlog(); };
  begin(false, plain({k_plain}));
  run();
  EXPECT_EQ(queued, 1U);
  client_ = {};
  client_.room = 0;
  client_.while_full = [&] { queued = request_.engine->queue().backlog(); };
  request_.settled();
  queued = 0;
  auto source = stream({k_word, k_usage, k_done});
  begin(true, std::move(source));
  run();
  EXPECT_EQ(queued, 1U) << "at the last write";
}

// The same bytes and the same settlement, wherever the response is cut into pieces.
TEST_F(ResponsePumpTest, random_pieces_are_the_same_response) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    client_ = {};
    client_.room = random() % 2 == 0 ? random() % 300 : std::string::npos;
    const bool streams = random() % 2 == 0;
    std::string forwarded, sent;
    if (streams) {
      const auto words = 1 + random() % 8;
      for (std::size_t i = 0; i < words; ++i) forwarded += random() % 4 == 0 ? ": comment\n\n" : k_word;
      sent = forwarded + k_usage + k_done;
      forwarded += k_done;  // the usage was crd's own question
    } else {
      forwarded = sent = k_plain;
    }
    auto source = streams ? stream(split(sent, random)) : plain(split(sent, random));
    source.waits = random() % 2 == 0;
    begin(streams, std::move(source));
    EXPECT_EQ(run(), Pump::End::over);
    EXPECT_EQ(seen().body, forwarded);
    EXPECT_TRUE(seen().whole);
    EXPECT_FALSE(client_.broken_off);
    expect_settled(Ending::complete, k_told, 0, 200);
    EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::whole));
  }
}

TEST_F(ResponsePumpTest, a_large_plain_response_passes_while_it_comes_and_is_metered) {
  const std::string large = R"({"pad":")" + std::string(200'000, 'x') + R"(",)" + k_plain.substr(1);
  std::mt19937 random(7);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < large.size(); at += 30'000) pieces.push_back(large.substr(at, 30'000));
  begin(false, plain(pieces));
  run();
  EXPECT_EQ(seen().body, large);
  EXPECT_TRUE(seen().whole);
  EXPECT_GT(client_.writes, 2U);
  expect_settled(Ending::complete, k_told, 0, 200);
}

TEST_F(ResponsePumpTest, what_breaks_off_unseen_is_the_next_channels) {
  request_.add_channel("other", ledger::ChannelKind::openai);
  begin(false, plain({k_plain.substr(0, 50)}, State::cut));
  EXPECT_EQ(run(), Pump::End::lost);
  EXPECT_EQ(client_.seen, "");
  EXPECT_TRUE(request_.settled().empty());
  EXPECT_TRUE(attempt_->finishes.empty()) << "the exchange ends the attempt";
  EXPECT_EQ(request_.failover->refusal().code, dialect::RefusalCode::upstream_invalid);
  // What it may have used is posted beside the next one's.
  request_.entry->settle(Outcome::End::whole, {200, {}}, {}, false);
  const auto row = request_.settled_once();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->flags, ledger::k_unknown);
  EXPECT_GE(row->cost.nano(), 100 * 1000);
}

TEST_F(ResponsePumpTest, what_breaks_off_unseen_with_no_other_channel_is_refused) {
  struct Row {
    State last;
    Ending ending;
    int status;
  };
  for (const auto& row : {Row{State::cut, Ending::upstream_cut, 502}, Row{State::garbage, Ending::upstream_cut, 502},
                          Row{State::timed_out, Ending::upstream_silent, 504}}) {
    client_ = {};
    begin(false, plain({k_plain.substr(0, 50)}, row.last));
    EXPECT_EQ(run(), Pump::End::over);
    EXPECT_THAT(client_.seen, HasSubstr(" " + std::to_string(row.status) + " "));
    EXPECT_THAT(client_.seen, HasSubstr("\"error\""));
    const auto settled = request_.settled_once();
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->ending, row.ending);
    EXPECT_EQ(settled->status, row.status);
    EXPECT_EQ(settled->flags, ledger::k_estimated);
    EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::broken));
    EXPECT_EQ(writer_->persistence(), Persistence::close);
  }
}

TEST_F(ResponsePumpTest, a_stream_that_breaks_off_ends_in_an_error_and_never_looks_complete) {
  struct Row {
    State last;
    Ending ending;
  };
  for (const auto& row : {Row{State::cut, Ending::upstream_cut}, Row{State::done, Ending::upstream_cut},
                          Row{State::timed_out, Ending::upstream_silent}}) {
    client_ = {};
    begin(true, stream({k_word}, row.last));
    EXPECT_EQ(run(), Pump::End::over);
    EXPECT_THAT(seen().body, testing::StartsWith(k_word));
    EXPECT_THAT(seen().body, HasSubstr("\"error\""));
    EXPECT_FALSE(seen().whole);
    EXPECT_TRUE(client_.broken_off);
    expect_settled(row.ending, k_estimated, ledger::k_estimated, 200);
    EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::broken));
  }
}

// It is not held, and its usage is found all the same.
TEST_F(ResponsePumpTest, an_event_of_any_size_passes_and_is_metered) {
  request_.settings.event_bytes_max = 1000;
  const std::string picture = R"("picture":")" + std::string(300'000, 'x') + R"(",)";
  std::string large = k_usage;
  large.insert(large.find('{') + 1, picture);
  large.replace(large.find("[]"), 2, R"([{"delta":{}}])");
  std::mt19937 random(7);
  std::vector<std::string> pieces{k_word};
  for (std::size_t at = 0; at < large.size(); at += pieces.back().size())
    pieces.push_back(large.substr(at, 1 + random() % 9000));
  pieces.push_back(k_done);
  begin(true, stream(pieces));
  EXPECT_EQ(run(), Pump::End::over);
  EXPECT_TRUE(seen().body == k_word + large + k_done);
  EXPECT_TRUE(seen().whole);
  expect_settled(Ending::complete, k_told, 0, 200);
}

TEST_F(ResponsePumpTest, a_stream_cut_in_a_long_event_ends_in_an_event_of_its_own) {
  request_.settings.event_bytes_max = 1000;
  begin(true, stream({k_word, "data: " + std::string(3000, 'x')}, State::cut));
  run();
  EXPECT_FALSE(seen().whole);
  EXPECT_THAT(seen().body, HasSubstr("xxx\n\ndata: {\"error\""));
  expect_settled(Ending::upstream_cut, k_estimated, ledger::k_estimated, 200);
}

// What a proxy says in an answer's place: nobody did anything, the client saw nothing, another channel can be asked.
TEST_F(ResponsePumpTest, what_is_no_answer_is_void) {
  const std::string page = "<!DOCTYPE html><html>down</html>";
  std::vector<std::pair<std::string, ScriptedSource>> rows;
  for (const std::string body :
       {page.c_str(), "", " \n", R"({"error":{"message":"no"}})", R"({"code":1000,"msg":"no"})",
        R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}})", "overloaded", "null"}) {
    rows.emplace_back(body, plain({body}));
    rows.emplace_back("as a stream: " + body, stream({body}));
  }
  rows.emplace_back("a large page", plain({page + std::string(100'000, ' '), std::string(100'000, ' ')}));
  rows.emplace_back("nothing of its framing", plain({}, State::garbage));
  rows.emplace_back("204", plain({}));
  rows.back().second.code = 204;
  rows.emplace_back("an error first", stream({": hello\n\n", "data: {\"error\":{\"message\":\"no\"}}\n\n"}));
  rows.emplace_back("an error by its name", stream({"event: error\ndata: no\n\n"}));
  rows.emplace_back("a code", stream({"data: {\"code\":\"429\",\"message\":\"no\"}\n\n"}));
  rows.emplace_back("its end alone", stream({k_done}));
  rows.emplace_back("comments", stream({": hello\n\n", ": again\n\n"}));
  for (auto& [name, source] : rows) {
    SCOPED_TRACE(name);
    client_ = {};
    begin(true, std::move(source));
    EXPECT_EQ(run(), Pump::End::no_answer);
    EXPECT_EQ(client_.seen, "");
    EXPECT_TRUE(request_.settled().empty());
    EXPECT_EQ(request_.failover->refusal().code, dialect::RefusalCode::upstream_invalid);
  }
}

TEST_F(ResponsePumpTest, what_is_cut_before_it_can_be_judged_is_lost) {
  for (auto& source : {plain({"<html>"}, State::cut), stream({": hello\n\n"}, State::cut), stream({}, State::cut)}) {
    client_ = {};
    begin(true, source);
    EXPECT_EQ(run(), Pump::End::over);
    EXPECT_THAT(client_.seen, HasSubstr(" 502 "));
    const auto row = request_.settled_once();
    ASSERT_TRUE(row);
    EXPECT_GE(row->cost.nano(), 100 * 1000);
  }
}

// By its bytes, in whichever pieces they come; crd's own usage chunk stays hidden.
TEST_F(ResponsePumpTest, a_stream_is_known_by_its_bytes) {
  for (const std::string type : {"", "application/json", "text/plain", "application/octet-stream"}) {
    for (const std::size_t size : {1U, 3U, 1000U}) {
      SCOPED_TRACE(type + " " + std::to_string(size));
      client_ = {};
      std::vector<std::string> pieces;
      const auto text = "\n" + k_word + k_usage + k_done;
      for (std::size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
      auto source = plain(pieces);
      source.type = type;
      begin(true, std::move(source));
      EXPECT_EQ(run(), Pump::End::over);
      EXPECT_EQ(seen().body, "\n" + k_word + k_done);
      EXPECT_TRUE(seen().whole);
      EXPECT_THAT(seen().head, HasSubstr("content-type: text/event-stream"));
      expect_settled(Ending::complete, k_told, 0, 200);
    }
  }
}

TEST_F(ResponsePumpTest, a_plain_answer_that_calls_itself_a_stream_is_one) {
  begin(true, stream({k_plain.substr(0, 1), k_plain.substr(1)}));
  EXPECT_EQ(run(), Pump::End::over);
  EXPECT_EQ(seen().body, k_plain);
  EXPECT_THAT(seen().head, HasSubstr("content-type: application/json"));
  expect_settled(Ending::complete, k_told, 0, 200);
}

// Behind its last word nothing can spoil it.
TEST_F(ResponsePumpTest, a_stream_is_complete_at_its_last_word) {
  for (const auto last : {State::cut, State::garbage, State::timed_out, State::done}) {
    client_ = {};
    begin(true, stream({k_word + k_usage + k_done, ": heartbeat\n\n", ": heartbeat\n\n"}, last));
    EXPECT_EQ(run(), Pump::End::over);
    EXPECT_EQ(seen().body, k_word + k_done);
    EXPECT_TRUE(seen().whole);
    EXPECT_FALSE(client_.broken_off);
    expect_settled(Ending::complete, k_told, 0, 200);
    EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::whole));
    EXPECT_EQ(writer_->persistence(), Persistence::keep_alive);
  }
}

// The head waits for the first event, but no longer than for a comment.
TEST_F(ResponsePumpTest, the_head_of_a_silent_stream_goes_out_with_its_first_comment) {
  request_.settings.comment_interval = std::chrono::milliseconds(0);
  auto source = stream({": hello\n\n", "data: {\"error\":{\"message\":\"no\"}}\n\n"});
  source.on_fill = [&](std::size_t next) {
    if (next == 1) pump_->tick(base::steady_now() + std::chrono::seconds(1));
  };
  begin(true, std::move(source));
  EXPECT_EQ(run(), Pump::End::over);
  EXPECT_THAT(seen().head, HasSubstr("200 OK"));
  EXPECT_THAT(seen().body, testing::StartsWith(":\n\n: hello\n\ndata: {\"error\""));
}

TEST_F(ResponsePumpTest, a_client_that_leaves_has_its_stream_cancelled_and_what_came_posted) {
  auto source = stream({k_word, k_word, k_usage, k_done});
  source.on_fill = [&](std::size_t next) {
    if (next == 1) writer_->client_left();
  };
  begin(true, std::move(source));
  run();
  EXPECT_TRUE(attempt_->open.source.cancelled);
  // The piece that came while it left is metered, too.
  expect_settled(Ending::client_gone, 100 * 1000 + (4 + 4) * 2000, ledger::k_estimated, 200);
  EXPECT_THAT(attempt_->finishes, ElementsAre(CircuitBreaker::Finish::whole)) << "not the channel's fault";
  EXPECT_EQ(writer_->persistence(), Persistence::close);
}

TEST_F(ResponsePumpTest, a_stream_that_is_drained_is_read_to_its_usage) {
  request_.settings.on_client_gone = policy::OnClientGone::drain;
  auto source = stream({k_word, k_usage, k_done});
  source.on_fill = [&](std::size_t next) {
    if (next == 1) writer_->client_left();
  };
  begin(true, std::move(source));
  run();
  EXPECT_FALSE(attempt_->open.source.cancelled);
  expect_settled(Ending::client_gone, k_told, 0, 200);
}

TEST_F(ResponsePumpTest, the_providers_own_error_passes_and_is_void) {
  const std::string body = R"({"error":{"message":"too long"}})";
  auto source = plain({body});
  source.code = 400;
  begin(false, std::move(source));
  run();
  EXPECT_EQ(seen().body, body);
  EXPECT_THAT(seen().head, HasSubstr("400"));
  EXPECT_THAT(seen().head, HasSubstr("x-should-retry: false"));
  expect_settled(Ending::complete, 0, 0, 400);
}

TEST_F(ResponsePumpTest, a_head_alone_has_the_length_and_no_body) {
  begin(false, plain({"12345", "67890"}));
  request_.head.method = http::message::Method::head;
  run();
  EXPECT_THAT(client_.seen, HasSubstr("content-length: 10"));
  EXPECT_THAT(client_.seen, Not(HasSubstr("12345")));
  EXPECT_EQ(request_.settled().size(), 1U);
}

TEST_F(ResponsePumpTest, while_this_daemon_shuts_down_the_connection_ends_with_the_response) {
  draining_ = true;
  begin(false, plain({k_plain}));
  run();
  EXPECT_EQ(writer_->persistence(), Persistence::close);
  EXPECT_THAT(seen().head, HasSubstr("connection: close"));
}

}  // namespace
}  // namespace cr::relay::request
