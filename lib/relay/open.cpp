// SPDX-License-Identifier: MIT
// Exchange, opening: from the chosen channels to an answer's head. Fails over only while nothing was consumed.
#include <array>
#include <utility>

#include "openai/echo.h"
#include "relay/exchange.h"
#include "relay/upstream_request.h"

namespace cr::relay {

using openai::Refusal;
using openai::RefusalCode;

namespace {

using Outcome = http::AnswerOutcome;

Refusal failed_to_connect(const base::Error& error) {
  if (error.code == base::ErrorCode::timeout) {
    return {RefusalCode::upstream_timeout, "the provider could not be reached in time: send the request again", {}, {}};
  }
  return {RefusalCode::upstream_unreachable, "the provider cannot be reached: send the request again later", {}, {}};
}

Refusal garbage() {
  return {RefusalCode::upstream_invalid, "the provider's answer was not usable: send the request again", {}, {}};
}

}  // namespace

std::chrono::milliseconds Exchange::time_left(std::chrono::milliseconds limit) const {
  const auto total =
      settings_->total_timeout - std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - started_);
  return std::max(std::chrono::milliseconds(0), std::min(limit, total));
}

http::Task<Exchange::MaybeRefusal> Exchange::open() {
  watch_.emplace(client_.heartbeat(),
                 http::Watch::Callbacks{
                     {}, [this](short events) { on_hang_up(events); }, [this](base::SteadyTime now) { on_tick(now); }});
  watch_->look_for_hang_up(client_.fd());
  Refusal refusal;
  const auto tries = std::min<std::size_t>(routes_.tries.size(), settings_->tries_max);
  for (std::size_t i = 0; i < tries; ++i) {
    const Route& route = routes_.tries[i];
    channel_ = route.channel.get();
    upstream_model_ = route.upstream_model;
    if (channel_->kind == ledger::ChannelKind::echo) {
      open_echo(route);
      co_return std::nullopt;
    }
    Attempt attempt;
    if (const auto address = lane_.address_of(*channel_); !address) {
      attempt = {Attempt::Outcome::try_next, failed_to_connect(address.error())};
    } else {
      prepare_request(route, **address);
      attempt = co_await send_and_read_head(**address, i + 1 == tries);
      lane_.give_back(std::move(request_.head));
    }
    if (attempt.outcome == Attempt::Outcome::opened) co_return std::nullopt;
    refusal = std::move(attempt.refusal);
    spent_unknown_ = attempt.outcome == Attempt::Outcome::spent;
    if (spent_unknown_ || client_gone_ || was_cut_ || time_left(settings_->total_timeout).count() == 0) break;
  }
  co_return refusal;
}

openai::Rewrite Exchange::rewrite_for(const Route& route) const {
  openai::Rewrite rewrite;
  if (route.upstream_model != scan_.model) rewrite.model = std::string(route.upstream_model);
  if (hold_ && hold_->write_bound) rewrite.output_bound = hold_->output_bound;
  rewrite.bound_field = endpoint_ == openai::Endpoint::responses ? std::string_view("max_output_tokens")
                        : endpoint_ == openai::Endpoint::chat_completions && !channel_->bound_field.empty()
                            ? std::string_view(channel_->bound_field)
                            : std::string_view("max_tokens");
  rewrite.ask_for_usage =
      scan_.stream && !scan_.include_usage.value_or(false) &&
      (endpoint_ == openai::Endpoint::chat_completions || endpoint_ == openai::Endpoint::completions);
  return rewrite;
}

// The body goes out where it lies, in pieces around the edits.
void Exchange::prepare_request(const Route& route, const ChannelAddress& address) {
  const auto body = client_.body();
  request_.edits = openai::plan_edits(scan_, rewrite_for(route));
  const auto& edits = request_.edits;
  request_.head = lane_.take_text();
  write_upstream_head(request_.head, *channel_, address, endpoint_, openai::edited_size(body, edits), lane_.next_key(),
                      &head_);
  auto& buffers = request_.buffers;
  buffers.clear();
  buffers.push_back(http::asio::buffer(request_.head));
  if (edits.size() > 6) {
    request_.edited = openai::apply_edits(body, edits);
    buffers.push_back(http::asio::buffer(request_.edited));
    return;
  }
  std::size_t from = 0;
  for (const auto& edit : edits) {
    buffers.push_back(http::asio::buffer(body.data() + from, edit.place.begin - from));
    buffers.push_back(http::asio::buffer(edit.text));
    from = edit.place.end;
  }
  buffers.push_back(http::asio::buffer(body.data() + from, body.size() - from));
}

http::Task<Exchange::Attempt> Exchange::send_and_read_head(const ChannelAddress& address, bool last) {
  Attempt attempt;
  for (bool pooled = true;; pooled = false) {
    sent_ = false;
    auto connection = pooled ? lane_.pool().take(address.key) : nullptr;
    if (!connection) {
      pooled = false;
      connection = lane_.pool().make();
      connecting_ = connection.get();
      const auto connected =
          co_await connection->connect(address.target, lane_.resolver(), lane_.shared().upstream_tls);
      connecting_ = nullptr;
      if (!connected) {
        lane_.shared().log.warning("channel cannot be reached",
                                   {{"channel", channel_->name}, {"reason", connected.error().message}});
        attempt = {Attempt::Outcome::try_next, failed_to_connect(connected.error())};
        break;
      }
    }
    connecting_ = connection.get();
    auto sent = connection->begin_send(request_.buffers);
    if (!sent) sent = co_await connection->send_rest(request_.buffers, time_left(channel_->timeout_first_byte));
    sent_ = *sent;
    auto outcome = Outcome::closed;
    if (sent_) outcome = co_await connection->read_head(time_left(channel_->timeout_first_byte));
    connecting_ = nullptr;
    // An idle connection may have died unseen: as long as nothing came, a fresh one may try.
    if (outcome == Outcome::closed && pooled && !client_gone_) continue;
    if (outcome == Outcome::ok) {
      attempt = judge_answer(std::move(connection), address, last);
    } else if (!sent_ && outcome == Outcome::closed) {
      attempt = {Attempt::Outcome::try_next, failed_to_connect({base::ErrorCode::upstream, {}, {}})};
    } else if (outcome == Outcome::timed_out) {
      attempt = {
          Attempt::Outcome::spent,
          {RefusalCode::upstream_timeout, "the provider did not answer in time: send the request again", {}, {}}};
    } else {
      attempt = {Attempt::Outcome::spent, garbage()};
    }
    break;
  }
  co_return attempt;
}

Exchange::Attempt Exchange::judge_answer(std::unique_ptr<http::UpstreamConnection> connection,
                                         const ChannelAddress& address, bool last) {
  const int status = connection->head().status;
  const auto log_refused = [&] {
    lane_.shared().log.warning(
        "channel refused a request",
        {{"channel", channel_->name}, {"status", std::to_string(status)}, {"request_id", request_id_}});
  };
  if (status < 200 || (status >= 300 && status < 400)) {
    log_refused();
    return {Attempt::Outcome::try_next, garbage()};
  }
  if (status == 401 || status == 403) {
    log_refused();
    return {Attempt::Outcome::try_next,
            {RefusalCode::upstream_auth,
             "the provider refused the channel's own key: replace it with 'crctl channel set-key'",
             {},
             {}}};
  }
  const bool provider_trouble = status == 429 || status >= 500;
  if (provider_trouble) log_refused();
  if (provider_trouble && !last) return {Attempt::Outcome::try_next, garbage()};
  passed_error_ = status >= 400;
  source_.emplace(lane_.pool(), address.key, std::move(connection));
  return {};
}

void Exchange::open_echo(const Route& route) {
  auto scan = scan_;
  if (hold_ && hold_->write_bound) scan.output_bound = hold_->output_bound;
  const auto body = scan_.stream && !scan_.include_usage.value_or(false)
                        ? openai::apply_edits(client_.body(), openai::plan_edits(scan_, rewrite_for(route)))
                        : std::string();
  if (!body.empty()) scan.include_usage = true;
  const auto text = body.empty() ? client_.body() : std::string_view(body);
  source_.emplace(lane_.io(), openai::echo_answer(endpoint_, text, scan, request_id_, base::wall_now()),
                  channel_->echo_delay);
}

}  // namespace cr::relay
