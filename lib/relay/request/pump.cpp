// SPDX-License-Identifier: MIT
// Exchange, pumping: from the upstream through the meter to the client. Metering sits where bytes arrive, so that the
// client's fate does not decide the sum; a settlement is on its way before the client sees the end of its answer.
#include <poll.h>

#include "provider/provider.h"
#include "relay/request/exchange.h"
#include "relay/request/persistence.h"

namespace cr::relay::request {

using State = SourceStep::State;
using Part = ResponseWriter::Part;

namespace {

constexpr std::size_t k_gather_bytes = std::size_t{64} * 1024;  // of a plain answer, before its head is written
constexpr std::size_t k_kept_bytes = std::size_t{64} * 1024;    // of room for events, from one to the next
// An answer that waits for memory so long passes without it: its usage is estimated, or a stream is cut.
constexpr std::chrono::milliseconds k_memory_wait{60'000};

// An unfinished event, and its copy once it goes to the client.
std::uint64_t bytes_of(const http::message::SseSplitter& events) {
  return 2 * events.held_bytes();
}

Outcome::End end_of(State how) {
  return how == State::timed_out ? Outcome::End::fell_silent : Outcome::End::broke_off;
}

dialect::Refusal refusal_for(State how) {
  if (how == State::timed_out) {
    return {dialect::RefusalCode::upstream_timeout, "the provider fell silent: send the request again", {}, {}};
  }
  if (how == State::no_memory) {
    return {dialect::RefusalCode::overloaded,
            "too many large answers at once ('limits.memory'): send the request again",
            {},
            {}};
  }
  return {dialect::RefusalCode::upstream_invalid, "the provider's answer broke off: send the request again", {}, {}};
}

}  // namespace

// Not a coroutine itself: it hands on the one that fits.
http::Task<void> Exchange::pump() {
  const bool hide = scan().stream && !scan().include_usage.value_or(false);
  const auto& form = provider::meter_form(provider::of(channel_->kind), dialect::dialect_of(endpoint_));
  meter_.emplace(form, endpoint_, hide ? dialect::UsageEvent::hide : dialect::UsageEvent::forward);
  status_ = source_->status();
  if (passed_error_) error_ = "upstream_error";
  first_byte_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - started_).count();
  if (head_.method == http::message::Method::head) return pump_head();
  const bool has_body = http::message::has_body(head_.method, status_);
  return has_body && source_->is_event_stream() && status_ < 300 ? pump_events() : pump_whole();
}

// HEAD: all that GET would get but the body (RFC 9110, 9.3.2). Where its length is not told it is counted, as far as
// GET's would be.
http::Task<void> Exchange::pump_head() {
  auto length = source_->content_length();
  std::uint64_t received = 0;
  while (!length && !source_->is_event_stream() && received <= k_gather_bytes) {
    const auto step = source_->step();
    if (step.state == State::data) {
      received += step.data.size();
    } else if (step.state == State::done) {
      length = received;
    } else if (step.state == State::need_more) {
      co_await source_->fill(fill_timeout());
    } else {
      co_return co_await end_badly(step.state, false);
    }
  }
  begin_answer(length);
  settle(Outcome::End::whole);
  auto written = writer_.try_write({}, Part::middle);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
}

void Exchange::end_pump() {
  writer_.allow_comments(false);
  watch_->look_for_hang_up(-1);
  watch_->ticking(false);
  source_.reset();  // its connection goes back to the pool now, not when the next request comes
}

std::chrono::milliseconds Exchange::fill_timeout() const {
  auto timeout = channel_->timeout_idle;
  if (writer_.client_gone()) {
    timeout =
        std::min(timeout, std::chrono::duration_cast<std::chrono::milliseconds>(drain_until() - base::steady_now()));
  }
  return std::max(timeout, std::chrono::milliseconds(0));
}

void Exchange::begin_answer(std::optional<std::uint64_t> content_length) {
  AnswerHead head;
  head.status = status_;
  head.content_type = source_->content_type();
  head.content_length = content_length;
  head.to = answer_for(head_, dialect::dialect_of(endpoint_), request_id_, *settings_);
  if (hold_ && hold_->lowered) head.output_limit = hold_->output_bound;
  head.passed = &passed_;
  if (source_->retry_after()) head.retry_after_text = *source_->retry_after();
  head.retry_after_ms = passed_.retry_after_ms;
  if (passed_error_ && !answered_) tell_wait(head);
  // What blames the request will be blamed again, unless the provider knows better; the rest is the SDK's to decide.
  if (!passed_.should_retry && status_ >= 400 && status_ < 500 && status_ != 408 && status_ != 409 && status_ != 429)
    head.should_retry = false;
  const auto rates = admission_.rate_status(base::steady_now());
  if (rates) head.rates = &*rates;
  writer_.begin(head, lane_.shared());
}

// A provider's refusal that goes through names its own wait, or none: where every channel is set aside for longer now,
// the client is told how long, so that it is not refused again for having done as it was told.
void Exchange::tell_wait(AnswerHead& head) {
  const auto routes = admission_.look_for_routes(stored_.get(), base::steady_now(), lane_.random());
  if (!routes.tries.empty() || !routes.closed) return;
  const auto left = routes.closed->until - base::steady_now();
  const auto told = routing::told_wait(head.retry_after_text, head.retry_after_ms, base::wall_now());
  if (told && *told >= left) return;
  head.retry_after = std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(left)).count();
  head.retry_after_text.reset();
  head.retry_after_ms = {};
}

// Sound has nothing to be metered in it, and is heard while it comes.
bool Exchange::is_sound() const {
  constexpr std::string_view k_json = "application/json";
  return endpoint_ == dialect::Endpoint::audio_speech && status_ < 300 && !source_->content_type().starts_with(k_json);
}

// At the edge of what all may hold, the reading of an answer pauses.
http::Task<bool> Exchange::wait_for_memory(std::uint64_t bytes) {
  const auto timeout = std::min(k_memory_wait, fill_timeout());
  co_return co_await memory_wait_.grow(*answer_memory_, bytes, timeout);
}

// A plain answer: gathered while it is small, so that the usual one is one write and one that breaks off becomes
// another channel's, or a clean 502.
http::Task<void> Exchange::pump_whole() {
  std::string gathered;   // for the meter; and until the head is out, for the client
  std::string_view only;  // the whole body, if it came in one piece
  const auto length = source_->content_length();
  bool metered = !is_sound();
  const std::size_t gather_bytes = metered ? k_gather_bytes : 0;
  std::uint64_t received = 0;
  for (;;) {
    const auto step = source_->step();
    if (step.state == State::data) {
      received += step.data.size();
      if (length && step.data.size() == *length && gathered.empty()) {
        only = step.data;
        break;
      }
      const auto held = gathered.size() + step.data.size();
      if (metered && !answer_memory_->covers(held))
        metered = held <= policy::k_metered_bytes_max && co_await wait_for_memory(held);
      gather(gathered, step.data, metered);
      const bool begins = !writer_.head_sent() && gathered.size() > gather_bytes && !writer_.client_gone();
      if (begins) begin_answer(length);
      if (writer_.head_sent() && !writer_.client_gone()) {
        auto written = writer_.try_write(begins ? std::string_view(gathered) : step.data, Part::middle);
        if (!written) written = co_await writer_.write_rest();
        writer_.wrote(*written);
      }
      if (give_up_on_client()) break;
      continue;
    }
    if (step.state == State::done) break;
    if (step.state != State::need_more) {
      if (writer_.client_gone()) break;
      unread_bytes_ = received;
      if (may_ask_another()) co_return lose_answer(step.state);
      co_return co_await end_badly(step.state, writer_.head_sent());
    }
    co_await source_->fill(fill_timeout());
    if (give_up_on_client()) break;
  }
  const auto body = only.empty() ? std::string_view(gathered) : only;
  settle_whole(body, metered, received);
  if (writer_.client_gone()) co_return;
  const bool begins = !writer_.head_sent();
  if (begins) begin_answer(body.size());
  if (!begins && !writer_.is_chunked()) co_return;
  auto written = writer_.try_write(begins ? body : std::string_view(), Part::last);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
}

// Keeps a piece for whom it is still needed: the meter, and the client until its head is out.
void Exchange::gather(std::string& gathered, std::string_view piece, bool metered) {
  const bool for_client = !writer_.head_sent() && !writer_.client_gone();
  if (metered || for_client) {
    gathered.append(piece);
  } else if (!gathered.empty()) {
    std::string().swap(gathered);
    answer_memory_->shrink_to(0);
  }
}

void Exchange::settle_whole(std::string_view body, bool metered, std::uint64_t received) {
  if (metered) meter_->observe_body(body);
  if (!meter_->usage() && meter_->estimated_output_tokens() == 0) unread_bytes_ = received;
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
}

http::Task<void> Exchange::pump_events() {
  begin_answer(std::nullopt);
  writer_.allow_comments(true);
  watch_->ticking(true);
  for (;;) {
    const auto step = source_->step();
    if (step.state == State::data) {
      if (take_events(step.data)) continue;
      co_return co_await end_badly(State::garbage, true);
    }
    const bool over = step.state == State::done;
    if (over) {
      events_.end();
      take_whole_events();
    }
    // A stream that ends without its own last word was cut somewhere before us (unless its usage has come).
    const bool whole = meter_->ended() || meter_->usage() || meter_->images() || meter_->saw_error();
    if (over && whole) out_.append(events_.rest());
    if (meter_->ended() || (over && whole)) {
      settle(Outcome::End::whole);
    }
    if (!out_.empty() || writer_.head_waits() || (over && whole)) {
      auto written = writer_.try_write(out_, over && whole ? Part::last : Part::middle);
      if (!written) written = co_await writer_.write_rest();
      writer_.wrote(*written);
      out_.clear();
    }
    if (over && whole) break;
    if (over || (step.state != State::need_more && step.state != State::done)) {
      co_return co_await end_badly(over ? State::cut : step.state, true);
    }
    if (give_up_on_client()) break;
    const bool has_room = fit_events() || co_await wait_for_memory(bytes_of(events_));
    if (!has_room && give_up_on_client()) break;
    if (!has_room) co_return co_await end_badly(State::no_memory, true);
    co_await source_->fill(fill_timeout());
  }
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
}

// Appends to `out_` what of `bytes` the client gets to see. False: an event passed its limit.
bool Exchange::take_events(std::string_view bytes) {
  if (!events_.push(bytes)) return false;
  take_whole_events();
  return true;
}

// Whether the next bytes of the stream may be read at once.
bool Exchange::fit_events() {
  events_.drop_taken();
  if (out_.capacity() > k_kept_bytes) std::string().swap(out_);
  answer_memory_->shrink_to(bytes_of(events_));
  return answer_memory_->covers(bytes_of(events_));
}

void Exchange::take_whole_events() {
  while (const auto event = events_.next()) {
    if (meter_->observe(*event) == dialect::Fate::forward) out_.append(event->raw);
  }
}

// Whether an answer that broke off is still nobody's business but ours.
bool Exchange::may_ask_another() const {
  if (writer_.head_sent() || writer_.client_gone() || body_.streams()) return false;
  return time_left(settings_->total_timeout).count() > 0 && is_left();
}

// It counts with what it may have used, beside what the next channel will tell; nothing else of it stays.
void Exchange::lose_answer(State how) {
  std::uint32_t flags = 0;  // a lost try's own, whatever could be known of it
  const auto request = priced();
  if (!passed_error_) add_lost(request, request.used(*meter_, unread_bytes_, flags));
  tell_health(routing::HealthBook::Finish::broken);
  lane_.shared().log.warning("a channel's answer broke off: the next one is asked",
                             {{"channel", channel_->name}, {"request_id", request_id_}});
  walk_.refusal = refusal_for(how);
  source_.reset();
  meter_.reset();
  answer_memory_->shrink_to(0);
  answered_ = passed_error_ = false;
  first_byte_ms_.reset();
  unread_bytes_ = 0;
  status_ = 0;
  error_ = {};
}

// The upstream failed under way: what was used is posted, and the client's answer never looks complete.
http::Task<void> Exchange::end_badly(State how, bool head_sent) {
  const auto refusal = refusal_for(how);
  if (how == State::cancelled) writer_.client_left();
  const bool by_client = writer_.client_gone();
  if (how == State::no_memory) answered_ = false;  // nothing that the channel did
  if (!head_sent && !by_client) status_ = dialect::row_of(refusal.code).status;
  if (!by_client) error_ = dialect::row_of(refusal.code).name;
  settle(end_of(how));
  writer_.close_after();
  if (by_client) co_return;
  if (!head_sent) {
    const auto to = answer_for(head_, dialect::dialect_of(endpoint_), request_id_, *settings_);
    const auto text = refusal_text(refusal, to, Persistence::close);
    co_await writer_.write_text(text);
    co_return;
  }
  writer_.break_off();
  if (writer_.allows_comments()) {
    out_ = dialect::error_event(refusal, dialect::dialect_of(endpoint_), request_id_);
    auto written = writer_.try_write(out_, Part::middle);
    if (!written) written = co_await writer_.write_rest();
    writer_.wrote(*written);
  }
  // No final chunk, no promised length, no close_notify: the connection's end is the only end this answer gets.
}

// After the client left: true when there is nothing more to read for.
bool Exchange::give_up_on_client() {
  if (!writer_.client_gone()) return false;
  if (writer_.was_cut() || settings_->on_client_gone == policy::OnClientGone::cancel) {
    source_->cancel();
    return true;
  }
  return meter_->ended() || base::steady_now() >= drain_until();
}

void Exchange::on_hang_up(short events) {
  if ((events & (POLLERR | POLLHUP)) != 0) {
    writer_.client_left();
    const bool drains =
        settings_->on_client_gone == policy::OnClientGone::drain && (source_ || is_sent()) && !writer_.was_cut();
    if (drains && base::steady_now() < drain_until()) return;
    if (connecting_) connecting_->cancel();
    if (source_) source_->cancel();
    memory_wait_.cancel();
    return;
  }
  writer_.half_closed(base::coarse_now());
}

}  // namespace cr::relay::request
