// SPDX-License-Identifier: MIT
// Exchange, opening: from the chosen channels to an answer's head. Fails over only while the client saw nothing.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "provider/provider.h"
#include "relay/request/exchange.h"
#include "relay/request/upstream_request.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

namespace {

using http::client::AnswerOutcome;

// What a provider has read with a request's head, whatever it thinks of the rest.
constexpr std::size_t k_read_at_once = std::size_t{16} * 1024;

Refusal failed_to_connect(const base::Error& error) {
  if (error.code == base::ErrorCode::timeout) {
    return {RefusalCode::upstream_timeout, "the provider could not be reached in time: send the request again", {}, {}};
  }
  return {RefusalCode::upstream_unreachable, "the provider cannot be reached: send the request again later", {}, {}};
}

// What an answer's head says of the channel.
routing::Verdict verdict_on(const http::message::ResponseHead& head) {
  routing::Verdict verdict;
  verdict.status = head.status;
  switch (head.status) {
    case 401:
    case 402:  // the account behind the key has no credit
    case 403:
      verdict.kind = routing::Verdict::Kind::key_refused;
      return verdict;
    case 429:
      verdict.kind = routing::Verdict::Kind::rate_limited;
      break;
    default:
      if (head.status >= 200 && head.status < 500 && head.status / 100 != 3) return verdict;
      verdict.kind = routing::Verdict::Kind::failed;
      if (head.status < 500) return verdict;
  }
  verdict.retry_after =
      routing::told_wait(head.find("retry-after"), head.find("retry-after-ms").value_or(""), base::wall_now());
  return verdict;
}

// Than the group that the hold was made for.
bool is_dearer(const routing::Route& route, const std::vector<routing::Route>& tries) {
  return route.group->multiplier_millionths > tries.front().group->multiplier_millionths;
}

Refusal garbage() {
  return {RefusalCode::upstream_invalid, "the provider's answer was not usable: send the request again", {}, {}};
}

// By other requests, since this one was routed.
Refusal all_set_aside() {
  return {RefusalCode::unavailable,
          "every channel that serves this model was set aside just now: send the request again",
          {},
          std::chrono::seconds(1)};
}

}  // namespace

std::chrono::milliseconds Exchange::time_left(std::chrono::milliseconds limit) const {
  const auto total = settings_->total_timeout -
                     std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - body_.came_at());
  return std::max(std::chrono::milliseconds(0), std::min(limit, total));
}

http::Task<Exchange::MaybeRefusal> Exchange::open() {
  if (!watch_) {
    watch_.emplace(client_.heartbeat(), http::Watch::Callbacks{{},
                                                               [this](short events) { on_hang_up(events); },
                                                               [this](base::SteadyTime now) { writer_.tick(now); }});
    watch_->look_for_hang_up(client_.fd());
  }
  while (walk_.next < tries().size() && walk_.tries < settings_->tries_max) {
    const routing::Route& route = tries()[walk_.next++];
    if (!claim(route)) continue;
    ++walk_.tries;
    if (provider::of(channel_->kind).local != nullptr) {
      co_return open_echo(route);
    }
    Attempt attempt;
    if (const auto address = lane_.address_of(*channel_); !address) {
      report({routing::Verdict::Kind::failed, 0, "its address is not usable", {}});
      attempt = {Attempt::Outcome::try_next, failed_to_connect(address.error())};
    } else {
      prepare_request(route, **address);
      attempt = co_await send_and_read_head(route, **address, !is_left());
      // An answer that came first: the connection still sends, and its buffers must stay what they are.
      if (sent_ || attempt.outcome != Attempt::Outcome::opened) lane_.give_back(std::move(request_.head));
    }
    if (body_.client_left()) writer_.client_left();
    if (attempt.outcome == Attempt::Outcome::opened) co_return std::nullopt;
    if (attempt.outcome == Attempt::Outcome::lost) {
      const auto request = priced();
      add_lost(request, request.unanswered());
    }
    walk_.refusal = std::move(attempt.refusal);
    if (attempt.outcome == Attempt::Outcome::spent || !body_.is_replayable() || writer_.client_gone() ||
        time_left(settings_->total_timeout).count() == 0)
      break;
  }
  if (!walk_.refusal) walk_.refusal = all_set_aside();
  co_return std::move(walk_.refusal);
}

// False: the channel may not be sent anything now, or what is held would not pay its group.
bool Exchange::claim(const routing::Route& route) {
  if (hold_ && is_dearer(route, tries())) return false;
  const auto claimed = lane_.shared().health.claim(*route.channel, route.upstream_model, base::steady_now(), route.key);
  if (!claimed) return false;
  reported_ = false;
  passed_ = {};
  claim_ = claimed;
  channel_ = route.channel;
  group_ = route.group;
  upstream_model_ = route.upstream_model;
  return true;
}

// Whether a failure now would go to another channel.
bool Exchange::is_left() const {
  if (walk_.tries >= settings_->tries_max) return false;
  return std::any_of(
      tries().begin() + static_cast<std::ptrdiff_t>(walk_.next), tries().end(), [&](const routing::Route& route) {
        if (hold_ && is_dearer(route, tries())) return false;
        return lane_.shared().health.look(*route.channel, route.upstream_model, base::steady_now()).may_send();
      });
}

void Exchange::report(const routing::Verdict& verdict) {
  if (!claim_ || reported_) return;
  reported_ = true;
  log_change(lane_.shared().health.report(*claim_, verdict, base::steady_now()), verdict);
}

void Exchange::log_change(const routing::HealthChange& change, const routing::Verdict& verdict) const {
  if (change.kind == routing::HealthChange::Kind::none) return;
  auto& log = lane_.shared().log;
  if (change.kind == routing::HealthChange::Kind::back) {
    log.info("channel is back", {{"channel", channel_->name}});
    return;
  }
  const auto reason = verdict.status == 0 ? std::string(verdict.what) : "answered " + std::to_string(verdict.status);
  const auto wait = base::format_duration(change.cool_down);
  if (change.kind == routing::HealthChange::Kind::set_aside) {
    log.warning("channel set aside", {{"channel", channel_->name}, {"reason", reason}, {"for", wait}});
    return;
  }
  const auto& hints = channel_->key_hints;
  const auto key = claim_->key < hints.size() ? to_text(hints[claim_->key]) : std::string("none");
  log.error("the provider refuses a channel's key: it is set aside",
            {{"channel", channel_->name}, {"key", key}, {"reason", reason}, {"for", wait}});
}

dialect::Rewrite Exchange::rewrite_for(const routing::Route& route) const {
  dialect::Rewrite rewrite;
  if (route.upstream_model != scan().model) rewrite.model = std::string(route.upstream_model);
  if (hold_ && hold_->write_bound) rewrite.output_bound = hold_->output_bound;
  const auto& provider = provider::of(channel_->kind);
  rewrite.bound_field = provider::bound_field(provider, endpoint_, route.upstream_model, channel_->bound_field);
  rewrite.ask_for_usage = provider::asks_for_usage(provider, endpoint_, scan());
  return rewrite;
}

// The body goes out where it lies, in pieces around the edits.
void Exchange::prepare_request(const routing::Route& route, const ChannelAddress& address) {
  if (!request_.head.empty()) lane_.give_back(std::move(request_.head));
  if (stored_ && stored_->by_id()) {
    request_.head = lane_.take_text();
    write_upstream_head(request_.head, *channel_, address, stored_->call(), claim_->key, &head_);
    request_.buffers.assign(1, http::asio::buffer(request_.head));
    return;
  }
  const auto body = body_.bytes();
  request_.edits = body_.is_form() ? dialect::openai::plan_form_edits(scan(), rewrite_for(route))
                                   : dialect::plan_edits(scan(), rewrite_for(route));
  const auto& left_out = provider::of(channel_->kind).quirks.left_out;
  if (!left_out.empty() && !body_.is_form()) dialect::leave_out(body, left_out, request_.edits);
  const auto& edits = request_.edits;
  request_.head = lane_.take_text();
  const auto held_bytes = dialect::edited_size(body, edits);
  auto call = call_of(endpoint_, route.upstream_model, body_.forwarded_bytes(held_bytes));
  if (body_.is_form()) call.content_type = body_.content_type();
  write_upstream_head(request_.head, *channel_, address, call, claim_->key, &head_);
  auto& buffers = request_.buffers;
  buffers.clear();
  buffers.push_back(http::asio::buffer(request_.head));
  if (body_.is_chunked()) buffers.push_back(http::asio::buffer(body_.frame_held(held_bytes)));
  if (edits.size() > 6) {
    request_.edited = dialect::apply_edits(body, edits);
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
  if (body_.is_chunked()) buffers.push_back(http::asio::buffer(BodySource::k_line_end));
}

http::Task<Attempt> Exchange::send_and_read_head(const routing::Route& route, const ChannelAddress& address,
                                                 bool last) {
  for (bool pooled = true;; pooled = false) {
    sent_ = false;
    auto connection = pooled && !body_.streams() ? lane_.pool().take(address.key) : nullptr;
    if (!connection) {
      pooled = false;
      connection = lane_.pool().make();
      connecting_ = connection.get();
      const auto connected = co_await connection->connect(address.target, lane_.resolver());
      connecting_ = nullptr;
      if (!connected) co_return not_connected(connected.error());
    }
    connecting_ = connection.get();
    auto outcome = AnswerOutcome::closed;
    if (body_.streams()) {
      outcome = co_await send_upload(*connection);
      answer_until_ = base::coarse_now() + channel_->timeout_total;
    } else {
      if (connection->begin_send(request_.buffers)) {
        outcome = co_await connection->read_head(std::min(channel_->timeout_first_byte, channel_->timeout_total),
                                                 body_.came_at() + settings_->total_timeout);
      }
      sent_ = connection->sent();
      answer_until_ = connection->sent_at() + channel_->timeout_total;
    }
    connecting_ = nullptr;
    if (outcome == AnswerOutcome::ok)
      co_return judge_answer(std::move(connection), address, last || !body_.is_replayable());
    if (outcome != AnswerOutcome::closed || !pooled || writer_.client_gone()) {
      co_return body_.streams() && !sent_ ? failed_upload() : no_answer(outcome, connection->sent_any());
    }
    // An idle connection may have died unseen. What it did not take whole, nobody can be at work on.
    if (!sent_) continue;
    if (!carry_again(base::steady_now() - connection->sent_at())) co_return closed_unanswered();
    prepare_request(route, address);
  }
}

// A kept connection closed after it had taken all of a request, and not a byte came back: the provider may have worked
// on it until then. True: it is counted, and what is held carries it beside another try.
bool Exchange::carry_again(base::SteadyTime::duration since_sent) {
  if (dialect::is_free(endpoint_)) return true;
  const auto request = priced();
  add_lost(request, request.made_in(std::chrono::ceil<std::chrono::milliseconds>(since_sent),
                                    provider::of(channel_->kind).quirks.output_rate_max));
  if (!hold_) return true;
  const auto smaller =
      billing::shrink_hold(request.hold_terms(token().when_low), *hold_, reservation_->amount - lost_->cost);
  if (smaller) hold_ = smaller;
  return smaller.has_value();
}

bool Exchange::is_sent() const {
  return sent_ || (connecting_ && !body_.streams() && connecting_->sent());
}

// Says nothing of the channel: it closed a connection that was idle as far as it knew, or it fails on a fresh one too.
Attempt Exchange::closed_unanswered() {
  report({routing::Verdict::Kind::abandoned});
  return {Attempt::Outcome::spent, garbage()};
}

Attempt Exchange::not_connected(const base::Error& error) {
  if (writer_.client_gone()) {
    report({routing::Verdict::Kind::abandoned});
  } else {
    lane_.shared().log.warning("channel cannot be reached", {{"channel", channel_->name}, {"reason", error.message}});
    const bool late = error.code == base::ErrorCode::timeout;
    report({routing::Verdict::Kind::failed, 0, late ? "could not be reached in time" : "could not be reached", {}});
  }
  return {Attempt::Outcome::try_next, failed_to_connect(error)};
}

Attempt Exchange::no_answer(AnswerOutcome outcome, bool began) {
  if (outcome == AnswerOutcome::cancelled) {
    report({routing::Verdict::Kind::abandoned});
    return {sent_ ? Attempt::Outcome::lost : Attempt::Outcome::try_next, garbage()};
  }
  if (outcome == AnswerOutcome::timed_out && !sent_) return stopped_reading();
  if (outcome == AnswerOutcome::timed_out) {
    report({routing::Verdict::Kind::failed, 0, "did not answer in time", {}});
    return {Attempt::Outcome::lost,
            {RefusalCode::upstream_timeout, "the provider did not answer in time: send the request again", {}, {}}};
  }
  if (!sent_ && began) return broke_off();
  if (!sent_) {
    report({routing::Verdict::Kind::failed, 0, "could not be reached", {}});
    return {Attempt::Outcome::try_next, failed_to_connect({base::ErrorCode::upstream, {}, {}})};
  }
  report({routing::Verdict::Kind::failed,
          0,
          outcome == AnswerOutcome::garbage ? "answered no HTTP" : "closed the connection",
          {}});
  return {Attempt::Outcome::lost, garbage()};
}

// Before it had all of the request. That may well be for what this one is, and then says nothing of the channel: one
// that is broken does not answer small ones either, which always go out whole.
Attempt Exchange::broke_off() {
  report({routing::Verdict::Kind::abandoned});
  return {
      Attempt::Outcome::try_next,
      {RefusalCode::upstream_invalid, "the provider broke off while it was sent the request: send it again", {}, {}}};
}

// Nobody has a whole request, nor has to pay for one.
Attempt Exchange::stopped_reading() {
  report({routing::Verdict::Kind::failed, 0, "stopped reading the request", {}});
  return {Attempt::Outcome::try_next,
          {RefusalCode::upstream_timeout, "the provider stopped reading the request: send it again", {}, {}}};
}

Attempt Exchange::judge_answer(std::unique_ptr<http::client::UpstreamConnection> connection,
                               const ChannelAddress& address, bool last) {
  const auto verdict = verdict_on(connection->head());
  report(verdict);
  passed_ = pass_answer_fields(connection->head());
  const int status = connection->head().status;
  if (verdict.kind != routing::Verdict::Kind::answered) {
    lane_.shared().log.warning(
        "channel refused a request",
        {{"channel", channel_->name}, {"status", std::to_string(status)}, {"request_id", request_id_}});
  }
  // Never followed: a redirect would take the channel's key along.
  if (status < 200 || (status >= 300 && status < 400)) return {Attempt::Outcome::try_next, garbage()};
  if (verdict.kind == routing::Verdict::Kind::key_refused) {
    return {Attempt::Outcome::try_next,
            {RefusalCode::upstream_auth,
             "the provider refused the gateway's own key: ask the administrator to replace it",
             {},
             {}}};
  }
  const bool answered = verdict.kind == routing::Verdict::Kind::answered;
  if (!answered && !last) return {Attempt::Outcome::try_next, garbage()};
  if (!AnswerSource::can_read(connection->head())) {
    lane_.shared().log.warning("a channel's answer has a Content-Encoding that nobody asked for",
                               {{"channel", channel_->name}, {"request_id", request_id_}});
    return {status < 300 ? Attempt::Outcome::lost : Attempt::Outcome::try_next, garbage()};
  }
  answered_ = answered;
  passed_error_ = status >= 400;
  // It may have answered without reading: what it then makes of the rest, which lies in its socket, is not to be
  // trusted.
  if (passed_error_ && http::asio::buffer_size(request_.buffers) > k_read_at_once) connection->forbid_reuse();
  source_.emplace(lane_.pool(), address.key, std::move(connection), answer_until_);
  return {};
}

Exchange::MaybeRefusal Exchange::open_echo(const routing::Route& route) {
  report({});
  auto asked = scan();
  if (hold_ && hold_->write_bound) asked.output_bound = hold_->output_bound;
  const auto body = scan().stream && !scan().include_usage.value_or(false)
                        ? dialect::apply_edits(body_.bytes(), dialect::plan_edits(scan(), rewrite_for(route)))
                        : std::string();
  if (!body.empty()) asked.include_usage = true;
  const auto text = body.empty() ? body_.bytes() : std::string_view(body);
  const auto& local = *provider::of(channel_->kind).local;
  if (!body_.memory().grow_to(text.size() + local.bytes_ceiling(text))) return body_.crowded_out();
  answered_ = true;
  auto answer = local.answer(endpoint_, text, asked, request_id_, base::wall_now());
  std::uint64_t bytes = 0;
  for (const auto& piece : answer.pieces) bytes += piece.size();
  body_.memory().shrink_to(text.size() + bytes);
  source_.emplace(lane_.io(), std::move(answer), channel_->echo_delay);
  return std::nullopt;
}

}  // namespace cr::relay::request
