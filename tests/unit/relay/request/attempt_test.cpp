// SPDX-License-Identifier: MIT
// One try of one route that needs no socket: a response made here, an address that is not usable, one that may not be
// connected to. What comes of it, and what the circuit breaker is told.
#include "relay/request/attempt.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "unit/relay/request/one_request.h"

namespace cr::relay::request {
namespace {

using dialect::RefusalCode;
using ledger::ChannelKind;
using routing::Availability;
using testing::HasSubstr;
using Kind = AttemptResult::Kind;

class AttemptTest : public testing::Test {
 protected:
  AttemptTest() {
    request_.settings.health.failures_in_a_row = 1;
    auto names = http::dns::DnsResolver::start({"127.0.0.1:9"});
    names_ = std::move(*names);
    tls_ = std::move(*http::tls::TlsContexts::make(""));
    upstreams_.emplace(
        io_, heartbeat_,
        UpstreamAccess::Shared{request_.log, *tls_, *names_, distrusted_, learnt_, request_.ledger.directory()}, 4);
  }
  ledger::ChannelRecord& channel() { return *request_.channels.front(); }
  Attempt& begin(std::string text, bool client_gone = false) {
    request_.begin(std::move(text));
    request_.reserve();
    claimed_ = request_.failover->next();
    EXPECT_TRUE(claimed_);
    attempt_.emplace(Attempt::Request{*request_.context, request_.admission->scan(), *request_.body, *upstreams_,
                                      request_.health, request_.log, request_.metrics, nullptr, nullptr,
                                      request_.entry->reserved(), request_.entry->longest_answer(), client_gone},
                     *claimed_);
    return *attempt_;
  }
  AttemptResult send() {
    std::optional<AttemptResult> result;
    const auto story = [](Attempt& attempt, std::optional<AttemptResult>& told) -> http::Task<void> {
      told = co_await attempt.send(true);
    };
    http::asio::co_spawn(io_, story(*attempt_, result), http::asio::detached);
    io_.run();
    EXPECT_TRUE(result);
    return result.value_or(AttemptResult{});
  }
  // All of the response; it must need no wait.
  std::vector<std::string> pieces() {
    std::vector<std::string> all;
    auto& source = attempt_->response()->source;
    auto step = source.step();
    for (; step.state == ResponseStep::State::data; step = source.step()) all.emplace_back(step.data);
    EXPECT_EQ(step.state, ResponseStep::State::done);
    return all;
  }
  Availability::State state() { return request_.health.look(channel(), "m", base::steady_now()).state; }

  OneRequest request_;
  http::asio::io_context io_;
  http::Heartbeat heartbeat_{io_};
  http::client::DistrustedProviders distrusted_;
  LearntEdits learnt_;
  std::unique_ptr<http::dns::DnsResolver> names_;
  std::unique_ptr<http::tls::TlsContexts> tls_;
  std::optional<UpstreamAccess> upstreams_;
  std::optional<ClaimedRoute> claimed_;
  std::optional<Attempt> attempt_;
};

TEST_F(AttemptTest, a_response_made_here_is_open_at_once) {
  channel().kind = ChannelKind::echo;
  const auto result = begin(chat_of(400, R"("max_tokens":256,)")).begin();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Kind::opened);
  ASSERT_NE(attempt_->response(), nullptr);
  EXPECT_EQ(attempt_->response()->status(), 200);
  EXPECT_FALSE(attempt_->response()->passed_error());
  const auto all = pieces();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all.front(), HasSubstr("xxx"));
  EXPECT_EQ(attempt_->response()->source.content_length(), all.front().size());
  attempt_->response()->meter.observe_body(all.front());
  EXPECT_TRUE(attempt_->response()->meter.usage());
  const auto facts = attempt_->facts();
  EXPECT_EQ(facts.channel, &channel());
  EXPECT_EQ(facts.upstream_model, "m");
  EXPECT_EQ(facts.meter, &attempt_->response()->meter);
  EXPECT_EQ(facts.upstream_request_id, "");
  EXPECT_FALSE(attempt_->is_sent());
}

TEST_F(AttemptTest, a_stream_made_here_tells_its_usage_unasked_and_hides_it) {
  channel().kind = ChannelKind::echo;
  const auto result = begin(chat_of(400, R"("stream":true,"max_tokens":256,)")).begin();
  ASSERT_TRUE(result);
  ASSERT_EQ(result->kind, Kind::opened);
  EXPECT_TRUE(attempt_->response()->source.is_event_stream());
  http::message::SseSplitter events(std::size_t{1} << 20);
  std::size_t hidden = 0, forwarded = 0;
  for (const auto& piece : pieces()) {
    ASSERT_TRUE(events.push(piece));
    while (const auto event = events.next())
      ++(attempt_->response()->meter.observe(*event) == dialect::Fate::hide ? hidden : forwarded);
  }
  EXPECT_EQ(hidden, 1U);
  EXPECT_GT(forwarded, 2U);
  EXPECT_TRUE(attempt_->response()->meter.usage());
  EXPECT_TRUE(attempt_->response()->meter.ended());
}

TEST_F(AttemptTest, the_circuit_breaker_is_told_of_the_end_of_a_response_once) {
  channel().kind = ChannelKind::echo;
  begin(chat_of(400, R"("max_tokens":256,)")).begin();
  EXPECT_EQ(request_.health.view(channel(), base::steady_now()).recent.requests, 0U);
  attempt_->finish(routing::CircuitBreaker::Finish::whole);
  const auto view = request_.health.view(channel(), base::steady_now());
  EXPECT_EQ(view.recent.requests, 1U);
  EXPECT_EQ(view.recent.error_percent, 0);
  attempt_->end_response();
  attempt_->finish(routing::CircuitBreaker::Finish::broken);
  EXPECT_EQ(request_.health.view(channel(), base::steady_now()).recent.requests, 1U) << "there is no response any more";
}

TEST_F(AttemptTest, a_response_that_is_lost_is_broken_for_the_circuit_breaker) {
  channel().kind = ChannelKind::echo;
  begin(chat_of(400, R"("max_tokens":256,)")).begin();
  attempt_->lose_response("broke off");
  EXPECT_EQ(attempt_->response(), nullptr);
  EXPECT_EQ(attempt_->facts().meter, nullptr);
  EXPECT_EQ(attempt_->facts().channel, &channel());
  EXPECT_EQ(request_.health.view(channel(), base::steady_now()).recent.error_percent, 100);
}

TEST_F(AttemptTest, an_address_that_is_not_usable_is_the_channels_fault) {
  channel().base_url = "not a url";
  const auto result = begin(chat_of(400)).begin();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Kind::try_another);
  EXPECT_EQ(result->refusal.code, RefusalCode::upstream_unreachable);
  EXPECT_EQ(state(), Availability::State::cooling);
  EXPECT_THAT(request_.health.reason(channel(), "m", base::steady_now()), HasSubstr("address"));
  EXPECT_FALSE(attempt_->is_sent());
}

TEST_F(AttemptTest, a_connection_that_cannot_be_opened_is_another_channels_turn) {
  channel().base_url = "http://127.0.0.1:9/v1";  // private: refused before any socket
  ASSERT_FALSE(begin(chat_of(400)).begin());
  const auto result = send();
  EXPECT_EQ(result.kind, Kind::try_another);
  EXPECT_EQ(result.refusal.code, RefusalCode::upstream_unreachable);
  EXPECT_FALSE(result.sent_for);
  EXPECT_FALSE(attempt_->is_sent());
  EXPECT_EQ(attempt_->response(), nullptr);
  EXPECT_EQ(state(), Availability::State::cooling);
  const auto text = upstreams_->take_text();
  EXPECT_EQ(text, "") << "the head with the channel's key is wiped";
  EXPECT_GT(text.capacity(), 100U) << "and was given back";
}

TEST_F(AttemptTest, a_client_that_left_first_says_nothing_of_the_channel) {
  channel().base_url = "http://127.0.0.1:9/v1";
  ASSERT_FALSE(begin(chat_of(400), true).begin());
  EXPECT_EQ(send().kind, Kind::try_another);
  EXPECT_EQ(state(), Availability::State::ready);
}

TEST_F(AttemptTest, one_that_ends_before_it_was_sent_gives_its_claim_back) {
  channel().base_url = "http://127.0.0.1:9/v1";
  ASSERT_FALSE(begin(chat_of(400)).begin());
  attempt_.reset();
  EXPECT_EQ(state(), Availability::State::ready);
  EXPECT_EQ(request_.health.view(channel(), base::steady_now()).recent.requests, 0U);
}

}  // namespace
}  // namespace cr::relay::request
