// SPDX-License-Identifier: MIT
#include "relay/request/attempt.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "provider/provider.h"
#include "relay/request/health_log.h"
#include "relay/request/priced_request.h"
#include "relay/routing/retry_after.h"

namespace cr::relay::request {

using http::client::AnswerOutcome;
using Kind = AttemptResult::Kind;
namespace asio = http::asio;

namespace {

// The administrator's word counts before what is known of the provider, or learnt.
bool asks_for_usage(const ledger::ChannelRecord& channel, bool taken) {
  return channel.stream_usage == "always" || (channel.stream_usage != "never" && taken);
}

// What a provider has read with a request's head, whatever it thinks of the rest.
constexpr std::size_t k_read_at_once = std::size_t{16} * 1024;
// Of a body that goes out where it lies, in pieces around them; with more it is written anew.
constexpr std::size_t k_edits_in_place_max = 6;
// So long the body of an error is waited for before it is judged by what there is.
constexpr std::chrono::seconds k_error_wait{5};

}  // namespace

Attempt::Attempt(const Request& request, const ClaimedRoute& claimed)
    : context_(request.context),
      scan_(request.scan),
      body_(request.body),
      upstreams_(request.upstreams),
      health_(request.health),
      log_(request.log),
      client_(request.client),
      stored_(request.stored),
      reservation_(request.reservation),
      longest_answer_(request.longest_answer),
      claimed_(claimed),
      kept_(!claimed.fresh && !request.body.streams()),
      client_gone_(request.client_gone),
      probes_{upstreams_, health_, log_, request.metrics, request.ledger} {}

Attempt::~Attempt() {
  give_up();                  // unless it was told already
  base::wipe(request_.head);  // still here, with the channel's key, if the daemon stopped while it was being sent
}

std::optional<AttemptResult> Attempt::begin() {
  if (provider::of(channel().kind).local != nullptr) return open_local();
  auto address = upstreams_.address_of(channel());
  if (!address) {
    report({routing::Observation::Kind::failed, 0, "its address is not usable", {}});
    return rule_on_unconnected(address.error(), false).result;
  }
  address_ = std::move(*address);
  prepare();
  return std::nullopt;
}

void Attempt::report(const routing::Observation& observation) {
  if (std::exchange(reported_, true)) return;
  note_change(health_.report(claimed_.claim, observation, base::steady_now()), observation);
}

void Attempt::note_change(const routing::BreakerChange& change, const routing::Observation& observation) {
  log_health(log_, channel(), claimed_.claim.key, change, observation);
  if (!change.wants_probe) return;
  start_own_probe(probes_, context_.directory, channel().id, claimed_.claim.key, scan_.model,
                  std::string(claimed_.route->upstream_model));
}

dialect::Rewrite Attempt::rewrite() const {
  const auto endpoint = context_.endpoint;
  dialect::Rewrite rewrite;
  if (claimed_.route->upstream_model != scan_.model) rewrite.model = std::string(claimed_.route->upstream_model);
  if (reservation_ != nullptr && billing::must_write_bound(*reservation_, longest_answer_))
    rewrite.output_bound = reservation_->output_bound;
  const auto& provider = provider::of(channel().kind);
  rewrite.bound_field =
      provider::bound_field(provider, endpoint, claimed_.route->upstream_model, channel().bound_field);
  rewrite.ask_for_usage = provider::asks_for_usage(provider, endpoint, scan_);
  if (address_ == nullptr) return rewrite;
  // What this provider is known, or has said, to take.
  const auto& strip = channel().strip;
  const bool stripped = std::find(strip.begin(), strip.end(), "stream_options") != strip.end();
  const bool taken = asks_for_usage(channel(), address_->takes_usage_wish && !learnt_.no_usage);
  rewrite.ask_for_usage = rewrite.ask_for_usage && taken && !stripped;
  if (endpoint == dialect::Endpoint::chat_completions) {
    if (channel().bound_field_chosen) rewrite.bound_field = channel().bound_field;
    if (!channel().bound_field_chosen && !learnt_.bound_field.empty()) rewrite.bound_field = learnt_.bound_field;
    // The client's own may be lowered where it stands.
    if (writes_no_bound(channel(), endpoint, scan_)) rewrite.output_bound.reset();
  }
  if (rewrite.output_bound) {
    for (const auto& most : {learnt_.bound_most, claimed_.bound_most})
      if (most) rewrite.output_bound = std::min(*rewrite.output_bound, *most);
  }
  return rewrite;
}

WrittenMembers Attempt::written_by(const dialect::Rewrite& rewrite) const {
  WrittenMembers written;
  // Where an administrator wants it, it is asked for again, whatever is said to it: nothing can be learnt.
  written.usage = rewrite.ask_for_usage && scan_.stream_options == dialect::StreamOptions::absent &&
                  channel().stream_usage != "always";
  if (!rewrite.output_bound || scan_.bound_value) return written;
  written.bound_field = rewrite.bound_field;
  written.bound = *rewrite.output_bound;
  return written;
}

// What the provider says of what crd wrote; remembered for others where it holds for them, too.
Lesson Attempt::learn(int status, std::string_view body) {
  if (!written_.any()) return {};
  const auto lesson = learn_from(status, body, written_, learnt_);
  if (!lesson.edit || !lesson.remember) return lesson;
  upstreams_.learnt().learn(channel().id, channel().rev, claimed_.route->upstream_model, *lesson.edit);
  log_.info("a channel refused what crd wrote into a request: it is written otherwise from now on",
            {{"channel", channel().name},
             {"model", std::string(claimed_.route->upstream_model)},
             {"request_id", context_.request_id}});
  return lesson;
}

void Attempt::prepare() {
  request_.head = upstreams_.take_text();
  auto& buffers = request_.buffers;
  if (stored_ != nullptr && stored_->by_id()) {
    write_upstream_head(request_.head, channel(), *address_, stored_->call(), claimed_.claim.key, &context_.head);
    buffers.push_back(asio::buffer(request_.head));
    return;
  }
  learnt_ = upstreams_.learnt().find(channel().id, channel().rev, claimed_.route->upstream_model);
  const auto rewriting = rewrite();
  written_ = body_.is_form() ? WrittenMembers{} : written_by(rewriting);
  request_.edits =
      body_.is_form() ? dialect::openai::plan_form_edits(scan_, rewriting) : dialect::plan_edits(scan_, rewriting);
  if (!body_.is_form()) leave_out_members();
  const auto held_bytes = dialect::edited_size(body_.bytes(), request_.edits);
  auto call = call_of(context_.endpoint, claimed_.route->upstream_model, body_.forwarded_bytes(held_bytes));
  if (body_.is_form()) call.content_type = body_.content_type();
  write_upstream_head(request_.head, channel(), *address_, call, claimed_.claim.key, &context_.head);
  buffers.push_back(asio::buffer(request_.head));
  if (body_.is_chunked()) buffers.push_back(asio::buffer(body_.frame_held(held_bytes)));
  add_body();
  if (body_.is_chunked()) buffers.push_back(asio::buffer(BodySource::k_line_end));
}

// What the provider refuses, and what the channel's administrator wants left out.
void Attempt::leave_out_members() {
  const auto& refused = provider::of(channel().kind).quirks.left_out;
  if (refused.empty() && channel().strip.empty()) return;
  std::vector<std::string_view> names(refused.begin(), refused.end());
  names.insert(names.end(), channel().strip.begin(), channel().strip.end());
  dialect::leave_out(body_.bytes(), names, request_.edits);
}

// The body goes out where it lies, in pieces around the edits.
void Attempt::add_body() {
  const auto body = body_.bytes();
  auto& buffers = request_.buffers;
  if (request_.edits.size() > k_edits_in_place_max) {
    request_.edited = dialect::apply_edits(body, request_.edits);
    buffers.push_back(asio::buffer(request_.edited));
    return;
  }
  std::size_t from = 0;
  for (const auto& edit : request_.edits) {
    buffers.push_back(asio::buffer(body.data() + from, edit.place.begin - from));
    buffers.push_back(asio::buffer(edit.text));
    from = edit.place.end;
  }
  buffers.push_back(asio::buffer(body.data() + from, body.size() - from));
}

http::Task<AttemptResult> Attempt::send(bool last) {
  if (kept_) connection_ = upstreams_.pool().take(address_->key);
  kept_ = connection_ != nullptr;
  if (!kept_) {
    connection_ = upstreams_.pool().make();
    auto connected = co_await connection_->connect(address_->target, upstreams_.resolver());
    if (!connected && connected.error().code == base::ErrorCode::exhausted && upstreams_.pool().drop_idle()) {
      connection_ = upstreams_.pool().make();
      connected = co_await connection_->connect(address_->target, upstreams_.resolver());
    }
    if (!connected) co_return not_connected(connected.error());
  }
  auto outcome = AnswerOutcome::closed;
  if (body_.streams()) {
    upload_ =
        std::make_unique<UploadStream>(context_, body_, *client_, *connection_, channel(), upstreams_.heartbeat());
    outcome = co_await upload_->run(request_.buffers);
    sent_ = upload_->sent();
    sent_at_ = base::coarse_now();
  } else {
    if (connection_->begin_send(request_.buffers)) {
      outcome = co_await connection_->read_head(std::min(channel().timeout_first_byte, channel().timeout_total),
                                                body_.came_at() + context_.settings->total_timeout);
    }
    sent_ = connection_->sent();
    sent_at_ = connection_->sent_at();
  }
  if (!body_.is_replayable()) last = true;
  if (outcome == AnswerOutcome::ok && says_why(connection_->head().status)) co_return co_await judge_error(last);
  co_return conclude(outcome, last);
}

AttemptResult Attempt::not_connected(const base::Error& error) {
  if (error.code == base::ErrorCode::exhausted) {
    upstreams_.note_shortage(error);
  } else if (!client_gone_) {
    log_.warning("channel cannot be reached", {{"channel", channel().name}, {"reason", error.message}});
  }
  connection_.reset();
  upstreams_.give_back(std::move(request_.head));
  return take(rule_on_unconnected(error, client_gone_));
}

AttemptResult Attempt::conclude(AnswerOutcome outcome, bool last) {
  auto result = outcome == AnswerOutcome::ok ? judge_head(last) : judge_silence(outcome);
  const bool opened = result.kind == Kind::opened;
  if (!opened) connection_.reset();
  // A response that came first: the connection still sends, and its buffers must stay what they are.
  if (sent_ || !opened) upstreams_.give_back(std::move(request_.head));
  return result;
}

AttemptResult Attempt::judge_silence(AnswerOutcome outcome) {
  Unanswered facts{.outcome = outcome, .kept = kept_, .began = connection_->sent_any(), .sent = sent_};
  facts.client_gone = client_gone_ || body_.client_left();
  facts.streamed = upload_ != nullptr;
  facts.stalled = upload_ && upload_->stalled();
  if (body_.has_late_refusal()) facts.form_refusal = &*body_.late_refusal();
  auto ruling = rule_on_unanswered(facts);
  if (sent_) ruling.result.sent_for = std::chrono::ceil<std::chrono::milliseconds>(base::steady_now() - sent_at_);
  // The claim of a stale one waits for what becomes of another attempt.
  return ruling.result.kind == Kind::stale ? std::move(ruling.result) : take(std::move(ruling));
}

AttemptResult Attempt::take(Ruling ruling) {
  report(ruling.observation);
  return std::move(ruling.result);
}

AttemptResult Attempt::judge_head(bool last) {
  const auto& head = connection_->head();
  auto ruling = rule_on_head(head.status, last, UpstreamResponse::can_read(head));
  if (tells_wait(ruling.observation)) ruling.observation.retry_after = told_wait();
  const bool answered = ruling.observation.kind == routing::Observation::Kind::answered;
  const bool unreadable = ruling.unreadable;
  auto result = take(std::move(ruling));
  passed_ = pass_answer_fields(head);
  if (!answered) log_refused(head.status);
  if (unreadable) log_unreadable();
  if (result.kind != Kind::opened) return result;
  // It may have answered without reading: what it then makes of the rest, which lies in its socket, is not to be
  // trusted.
  if (head.status >= 400 && asio::buffer_size(request_.buffers) > k_read_at_once) connection_->forbid_reuse();
  open_response(
      UpstreamResponse(upstreams_.pool(), address_->key, std::move(connection_), sent_at_ + channel().timeout_total),
      answered);
  return result;
}

// An error whose body says whose fault it is.
http::Task<AttemptResult> Attempt::judge_error(bool last) {
  const auto& head = connection_->head();  // gone with the first byte of the body
  const int status = head.status;
  const auto wait = told_wait();
  passed_ = pass_answer_fields(head);
  const bool readable = UpstreamResponse::can_read(head);
  std::string text;
  if (readable) {
    if (asio::buffer_size(request_.buffers) > k_read_at_once) connection_->forbid_reuse();
    open_response(
        UpstreamResponse(upstreams_.pool(), address_->key, std::move(connection_), sent_at_ + channel().timeout_total),
        true);
    text = co_await read_error();
  }
  const auto lesson = learn(status, text);
  const bool may_rewrite = claimed_.rewrites < Failover::k_rewrites_max && body_.is_replayable();
  auto ruling = lesson.of_ours ? rule_on_own_edit(status, lesson, may_rewrite)
                               : rule_on_head(status, last, readable, dialect::read_provider_error(text));
  if (tells_wait(ruling.observation)) ruling.observation.retry_after = wait;
  const bool answered = ruling.observation.kind == routing::Observation::Kind::answered;
  if (ruling.unreadable) log_unreadable();
  if (!answered) log_refused(status);
  // The claim of one that is sent again goes on.
  auto result = ruling.result.kind == Kind::rewritten ? std::move(ruling.result) : take(std::move(ruling));
  if (result.kind == Kind::opened) {
    response_->answered = answered;
    response_->source.put_back(std::move(text));
  } else {
    response_.reset();
    connection_.reset();
  }
  if (sent_ || result.kind != Kind::opened) upstreams_.give_back(std::move(request_.head));
  co_return result;
}

// Its first bytes, as far as they come at once: a refusal is short.
http::Task<std::string> Attempt::read_error() {
  std::string text;
  auto& source = response_->source;
  const auto until = base::steady_now() + k_error_wait;
  while (text.size() < dialect::k_error_bytes_max) {
    const auto step = source.step();
    if (step.state == ResponseStep::State::data) {
      text.append(step.data);
    } else if (step.state == ResponseStep::State::need_more) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - base::steady_now());
      if (left.count() <= 0) break;
      const auto timeout = std::min(left, channel().timeout_idle);
      co_await source.fill(timeout);
    } else {
      break;
    }
  }
  co_return text;
}

std::optional<std::chrono::milliseconds> Attempt::told_wait() const {
  const auto& head = connection_->head();
  return routing::told_wait(head.find("retry-after"), head.find("retry-after-ms").value_or(""), base::wall_now());
}

void Attempt::log_refused(int status) const {
  log_.warning("channel refused a request",
               {{"channel", channel().name}, {"status", std::to_string(status)}, {"request_id", context_.request_id}});
}

void Attempt::log_unreadable() const {
  log_.warning("a channel's answer has a Content-Encoding that nobody asked for",
               {{"channel", channel().name}, {"request_id", context_.request_id}});
}

std::optional<AttemptResult> Attempt::open_local() {
  report({});
  auto asked = scan_;
  if (reservation_ != nullptr && reservation_->write_bound) asked.output_bound = reservation_->output_bound;
  const auto body = scan_.stream && !scan_.include_usage.value_or(false)
                        ? dialect::apply_edits(body_.bytes(), dialect::plan_edits(scan_, rewrite()))
                        : std::string();
  if (!body.empty()) asked.include_usage = true;
  const auto text = body.empty() ? body_.bytes() : std::string_view(body);
  const auto& local = *provider::of(channel().kind).local;
  if (!body_.memory().grow_to(text.size() + local.bytes_ceiling(text)))
    return AttemptResult{Kind::spent, body_.crowded_out(), {}};
  auto answer = local.answer(context_.endpoint, text, asked, context_.request_id, base::wall_now());
  std::uint64_t bytes = 0;
  for (const auto& piece : answer.pieces) bytes += piece.size();
  body_.memory().shrink_to(text.size() + bytes);
  open_response(UpstreamResponse(upstreams_.io(), std::move(answer), channel().echo_delay), true);
  return AttemptResult{};
}

void Attempt::open_response(UpstreamResponse&& source, bool answered) {
  const bool hide = scan_.stream && !scan_.include_usage.value_or(false);
  const auto usage_event = hide ? dialect::UsageEvent::hide : dialect::UsageEvent::forward;
  const auto& form = provider::meter_form(provider::of(channel().kind), dialect::dialect_of(context_.endpoint));
  response_.emplace(std::move(source), dialect::Meter(form, context_.endpoint, usage_event));
  if (const auto bound = output_bound()) response_->meter.bound_output(*bound);
  response_->first_byte_ms = context_.duration_ms();
  response_->answered = answered;
  response_->key_mask = KeyMask(channel().keys);
}

// What the provider was told to make at most, in all choices; none where it was told nothing.
std::optional<std::int64_t> Attempt::output_bound() const {
  auto bound = scan_.output_bound;
  if (reservation_ != nullptr && reservation_->write_bound)
    bound = std::min(bound.value_or(reservation_->output_bound), reservation_->output_bound);
  if (bound) bound = *bound * std::max<std::int64_t>(scan_.choices, 1);
  return bound;
}

void Attempt::lose_response(std::string_view how) {
  finish(routing::CircuitBreaker::Finish::broken);
  log_.warning("a channel's answer " + std::string(how) + ": the next one is asked",
               {{"channel", channel().name}, {"request_id", context_.request_id}});
  response_.reset();
}

void Attempt::finish(routing::CircuitBreaker::Finish finish) {
  using Finish = routing::CircuitBreaker::Finish;
  if (!response_ || !response_->answered) return;
  if (finish == Finish::whole && response_->passed_error()) finish = Finish::error;
  const auto change =
      health_.finished(claimed_.claim, finish, response_->first_byte_ms, context_.duration_ms(), base::steady_now());
  note_change(change, {routing::Observation::Kind::failed, 0, "its answers break off", {}});
}

LastAttempt Attempt::facts() const {
  LastAttempt facts;
  facts.channel = &channel();
  facts.key = claimed_.claim.key;
  facts.upstream_model = claimed_.route->upstream_model;
  facts.upstream_request_id = passed_.request_id;
  if (!response_) return facts;
  facts.sent_at = sent_at_;
  facts.output_rate = output_rate();
  facts.meter = &response_->meter;
  facts.passed_error = response_->passed_error();
  facts.unread_bytes = response_->unread_bytes;
  facts.first_byte_ms = response_->first_byte_ms;
  return facts;
}

std::int64_t Attempt::output_rate() const {
  return address_ ? address_->output_rate : provider::output_rate_max(provider::of(channel().kind), {});
}

bool Attempt::is_sent() const {
  return sent_ || (connection_ && !upload_ && connection_->sent());
}

void Attempt::cancel() {
  if (connection_) connection_->cancel();
  if (response_) response_->source.cancel();
}

}  // namespace cr::relay::request
