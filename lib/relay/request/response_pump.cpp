// SPDX-License-Identifier: MIT
#include "relay/request/response_pump.h"

#include <algorithm>
#include <utility>

namespace cr::relay::request {

using Part = ResponseWriter::Part;

namespace {

constexpr std::size_t k_gather_bytes = std::size_t{64} * 1024;  // of a plain response, before its head is written
constexpr std::size_t k_kept_bytes = std::size_t{64} * 1024;    // of room for events, from one to the next
// A response that waits for memory so long passes without it: its usage is estimated, or a stream is cut.
constexpr std::chrono::milliseconds k_memory_wait{60'000};

// An unfinished event, and its copy once it goes to the client.
std::uint64_t bytes_of(const http::message::SseSplitter& events) {
  return 2 * events.held_bytes();
}

Outcome::End end_of(ResponseStep::State how) {
  return how == ResponseStep::State::timed_out ? Outcome::End::fell_silent : Outcome::End::broke_off;
}

dialect::Refusal refusal_for(ResponseStep::State how) {
  if (how == ResponseStep::State::timed_out) {
    return {dialect::RefusalCode::upstream_timeout, "the provider fell silent: send the request again", {}, {}};
  }
  if (how == ResponseStep::State::no_memory) {
    return {dialect::RefusalCode::overloaded,
            "too many large answers at once ('limits.memory'): send the request again",
            {},
            {}};
  }
  return {dialect::RefusalCode::upstream_invalid, "the provider's answer broke off: send the request again", {}, {}};
}

}  // namespace

ResponsePump::ResponsePump(const Parts& parts, Attempt& attempt)
    : parts_(parts),
      writer_(parts.writer),
      attempt_(attempt),
      response_(*attempt.response()),
      source_(response_.source),
      memory_(parts.context.worker.shared().memory,
              static_cast<std::uint64_t>(parts.admission.caller().token->id.value)),
      memory_wait_(parts.context.worker.io()),
      events_(parts.context.settings->event_bytes_max) {}

// Not a coroutine itself: it hands on the one that fits.
http::Task<ResponsePump::End> ResponsePump::run() {
  const auto method = parts_.context.head.method;
  if (method == http::message::Method::head) return pump_head();
  const int status = response_.status();
  const bool has_body = http::message::has_body(method, status);
  return has_body && source_.is_event_stream() && status < 300 ? pump_events() : pump_whole();
}

LedgerEntry::Told ResponsePump::told() const {
  return {response_.status(), response_.passed_error() ? std::string_view("upstream_error") : std::string_view()};
}

void ResponsePump::settle(Outcome::End end) {
  parts_.entry.settle(end, told(), &attempt_, writer_.client_gone());
}

// HEAD: all that GET would get but the body (RFC 9110, 9.3.2). Where its length is not told it is counted, as far as
// GET's would be.
http::Task<ResponsePump::End> ResponsePump::pump_head() {
  auto length = source_.content_length();
  std::uint64_t received = 0;
  while (!length && !source_.is_event_stream() && received <= k_gather_bytes) {
    const auto step = source_.step();
    if (step.state == State::data) {
      received += step.data.size();
    } else if (step.state == State::done) {
      length = received;
    } else if (step.state == State::need_more) {
      co_await source_.fill(fill_timeout());
    } else {
      co_return co_await end_badly(step.state);
    }
  }
  begin(length);
  settle(Outcome::End::whole);
  auto written = writer_.try_write({}, Part::middle);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
  co_return End::over;
}

std::chrono::milliseconds ResponsePump::fill_timeout() const {
  auto timeout = attempt_.channel().timeout_idle;
  if (writer_.client_gone()) {
    const auto left = writer_.drain_until() - base::steady_now();
    timeout = std::min(timeout, std::chrono::duration_cast<std::chrono::milliseconds>(left));
  }
  return std::max(timeout, std::chrono::milliseconds(0));
}

void ResponsePump::begin(std::optional<std::uint64_t> content_length) {
  const auto& passed = attempt_.passed();
  const int status = response_.status();
  AnswerHead head;
  head.status = status;
  head.content_type = source_.content_type();
  head.content_length = content_length;
  head.to = parts_.context.answer();
  const auto* hold = parts_.entry.hold();
  if (hold != nullptr && hold->lowered) head.output_limit = hold->output_bound;
  head.passed = &passed;
  if (source_.retry_after()) head.retry_after_text = *source_.retry_after();
  head.retry_after_ms = passed.retry_after_ms;
  if (response_.passed_error() && !response_.answered) tell_wait(head);
  // What blames the request will be blamed again, unless the provider knows better; the rest is the SDK's to decide.
  if (!passed.should_retry && status >= 400 && status < 500 && status != 408 && status != 409 && status != 429)
    head.should_retry = false;
  const auto rates = parts_.admission.rate_status(base::steady_now());
  if (rates) head.rates = &*rates;
  writer_.begin(head, parts_.context.worker.shared());
}

// A provider's refusal that goes through names its own wait, or none: where every channel is set aside for longer now,
// the client is told how long, so that it is not refused again for having done as it was told.
void ResponsePump::tell_wait(AnswerHead& head) const {
  const auto routes =
      parts_.admission.look_for_routes(parts_.stored, base::steady_now(), parts_.context.worker.random());
  if (!routes.tries.empty() || !routes.closed) return;
  const auto left = routes.closed->until - base::steady_now();
  const auto told = routing::told_wait(head.retry_after_text, head.retry_after_ms, base::wall_now());
  if (told && *told >= left) return;
  head.retry_after = std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(left)).count();
  head.retry_after_text.reset();
  head.retry_after_ms = {};
}

// Sound has nothing to be metered in it, and is heard while it comes.
bool ResponsePump::is_sound() const {
  constexpr std::string_view k_json = "application/json";
  return parts_.context.endpoint == dialect::Endpoint::audio_speech && response_.status() < 300 &&
         !source_.content_type().starts_with(k_json);
}

// At the edge of what all may hold, the reading of a response pauses.
http::Task<bool> ResponsePump::wait_for_memory(std::uint64_t bytes) {
  const auto timeout = std::min(k_memory_wait, fill_timeout());
  co_return co_await memory_wait_.grow(memory_, bytes, timeout);
}

// A plain response: gathered while it is small, so that the usual one is one write and one that breaks off becomes
// another channel's, or a clean 502.
http::Task<ResponsePump::End> ResponsePump::pump_whole() {
  std::string gathered;   // for the meter; and until the head is out, for the client
  std::string_view only;  // the whole body, if it came in one piece
  const auto length = source_.content_length();
  bool metered = !is_sound();
  const std::size_t gather_bytes = metered ? k_gather_bytes : 0;
  std::uint64_t received = 0;
  for (;;) {
    const auto step = source_.step();
    if (step.state == State::data) {
      received += step.data.size();
      if (length && step.data.size() == *length && gathered.empty()) {
        only = step.data;
        break;
      }
      const auto held = gathered.size() + step.data.size();
      if (metered && !memory_.covers(held))
        metered = held <= policy::k_metered_bytes_max && co_await wait_for_memory(held);
      gather(gathered, step.data, metered);
      const bool begins = !writer_.head_sent() && gathered.size() > gather_bytes && !writer_.client_gone();
      if (begins) begin(length);
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
      response_.unread_bytes = received;
      if (may_ask_another()) co_return lose(step.state);
      co_return co_await end_badly(step.state);
    }
    co_await source_.fill(fill_timeout());
    if (give_up_on_client()) break;
  }
  const auto body = only.empty() ? std::string_view(gathered) : only;
  settle_whole(body, metered, received);
  if (writer_.client_gone()) co_return End::over;
  const bool begins = !writer_.head_sent();
  if (begins) begin(body.size());
  if (!begins && !writer_.is_chunked()) co_return End::over;
  auto written = writer_.try_write(begins ? body : std::string_view(), Part::last);
  if (!written) written = co_await writer_.write_rest();
  if (!writer_.wrote(*written)) writer_.close_after();
  co_return End::over;
}

// Keeps a piece for whom it is still needed: the meter, and the client until its head is out.
void ResponsePump::gather(std::string& gathered, std::string_view piece, bool metered) {
  const bool for_client = !writer_.head_sent() && !writer_.client_gone();
  if (metered || for_client) {
    gathered.append(piece);
  } else if (!gathered.empty()) {
    std::string().swap(gathered);
    memory_.shrink_to(0);
  }
}

void ResponsePump::settle_whole(std::string_view body, bool metered, std::uint64_t received) {
  auto& meter = response_.meter;
  if (metered) meter.observe_body(body);
  if (!meter.usage() && meter.estimated_output_tokens() == 0) response_.unread_bytes = received;
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
}

http::Task<ResponsePump::End> ResponsePump::pump_events() {
  begin(std::nullopt);
  writer_.allow_comments(true);
  parts_.watch.ticking(true);
  for (;;) {
    const auto step = source_.step();
    if (step.state == State::data) {
      if (take_events(step.data)) continue;
      co_return co_await end_badly(State::garbage);
    }
    const bool over = step.state == State::done;
    if (over) {
      events_.end();
      take_whole_events();
    }
    const bool whole = over && is_over();
    if (whole) out_.append(events_.rest());
    if (response_.meter.ended() || whole) settle(Outcome::End::whole);
    if (!out_.empty() || writer_.head_waits() || whole) {
      auto written = writer_.try_write(out_, whole ? Part::last : Part::middle);
      if (!written) written = co_await writer_.write_rest();
      writer_.wrote(*written);
      out_.clear();
    }
    if (whole) break;
    if (over || step.state != State::need_more) co_return co_await end_badly(over ? State::cut : step.state);
    if (give_up_on_client()) break;
    const bool has_room = fit_events() || co_await wait_for_memory(bytes_of(events_));
    if (!has_room && give_up_on_client()) break;
    if (!has_room) co_return co_await end_badly(State::no_memory);
    co_await source_.fill(fill_timeout());
  }
  settle(Outcome::End::whole);
  if (writer_.client_gone()) writer_.close_after();
  co_return End::over;
}

// A stream that ends without its own last word was cut somewhere before us (unless its usage has come).
bool ResponsePump::is_over() const {
  const auto& meter = response_.meter;
  return meter.ended() || meter.usage() || meter.images() || meter.saw_error();
}

// Appends to `out_` what of `bytes` the client gets to see. False: an event passed its limit.
bool ResponsePump::take_events(std::string_view bytes) {
  if (!events_.push(bytes)) return false;
  take_whole_events();
  return true;
}

void ResponsePump::take_whole_events() {
  while (const auto event = events_.next()) {
    if (response_.meter.observe(*event) == dialect::Fate::forward) out_.append(event->raw);
  }
}

// Whether the next bytes of the stream may be read at once.
bool ResponsePump::fit_events() {
  events_.drop_taken();
  if (out_.capacity() > k_kept_bytes) std::string().swap(out_);
  memory_.shrink_to(bytes_of(events_));
  return memory_.covers(bytes_of(events_));
}

// Whether a response that broke off is still nobody's business but ours.
bool ResponsePump::may_ask_another() const {
  if (writer_.head_sent() || writer_.client_gone() || parts_.body.streams()) return false;
  const auto left = parts_.context.time_left(parts_.body.came_at(), parts_.context.settings->total_timeout);
  return left.count() > 0 && parts_.failover.is_left();
}

// It counts with what it may have used, beside what the next channel will tell; nothing else of it stays.
ResponsePump::End ResponsePump::lose(State how) {
  std::uint32_t flags = 0;  // a lost attempt's own, whatever could be known of it
  const auto request = parts_.entry.priced();
  if (!response_.passed_error())
    parts_.entry.add_lost(request, request.used(response_.meter, response_.unread_bytes, flags));
  parts_.failover.note(refusal_for(how));
  return End::lost;
}

// The upstream failed under way: what was used is posted, and the client's response never looks complete.
http::Task<ResponsePump::End> ResponsePump::end_badly(State how) {
  const auto refusal = refusal_for(how);
  const auto& row = dialect::row_of(refusal.code);
  const bool head_sent = writer_.head_sent();
  if (how == State::cancelled) writer_.client_left();
  const bool by_client = writer_.client_gone();
  if (how == State::no_memory) response_.answered = false;  // nothing that the channel did
  auto said = told();
  if (!head_sent && !by_client) said.status = row.status;
  if (!by_client) said.error = row.name;
  parts_.entry.settle(end_of(how), said, &attempt_, by_client);
  writer_.close_after();
  if (by_client) co_return End::over;
  if (!head_sent) {
    const auto text = refusal_text(refusal, parts_.context.answer(), Persistence::close);
    co_await writer_.write_text(text);
    co_return End::over;
  }
  writer_.break_off();
  if (writer_.allows_comments()) {
    out_ = dialect::error_event(refusal, dialect::dialect_of(parts_.context.endpoint), parts_.context.request_id);
    auto written = writer_.try_write(out_, Part::middle);
    if (!written) written = co_await writer_.write_rest();
    writer_.wrote(*written);
  }
  // No final chunk, no promised length, no close_notify: the connection's end is the only end this response gets.
  co_return End::over;
}

// After the client left: true when there is nothing more to read for.
bool ResponsePump::give_up_on_client() {
  if (!writer_.client_gone()) return false;
  if (writer_.was_cut() || parts_.context.settings->on_client_gone == policy::OnClientGone::cancel) {
    source_.cancel();
    return true;
  }
  return response_.meter.ended() || base::steady_now() >= writer_.drain_until();
}

}  // namespace cr::relay::request
