// SPDX-License-Identifier: MIT
#include "relay/request/exchange.h"

#include <poll.h>

#include <utility>

namespace cr::relay::request {

using dialect::Refusal;

Exchange::Exchange(WorkerContext& worker, http::server::Connection& client, const http::message::RequestHead& head,
                   dialect::Endpoint endpoint, base::RequestId id)
    : worker_(worker),
      client_(client),
      context_(head, endpoint, id, worker.directory(), worker.settings()),
      place_(worker.running().insert(worker.running().end(), this)),
      admission_(*context_.directory, worker.shared().health, worker.shared().rates, endpoint),
      body_(head, endpoint, *context_.settings, context_.started),
      entry_(context_, admission_, body_,
             {worker.shared().ledger, worker.shared().metrics, worker.shared().log, worker.shared().refusal_log},
             worker.shared().ledger.now()),
      failover_(admission_.routes().tries, worker.shared().health, context_.settings->tries_max),
      writer_(client, head, *context_.settings) {
  admission_.use(context_.settings->credit);
  worker.shared().requests_running.fetch_add(1, std::memory_order_relaxed);
  worker.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
  worker_.shared().requests_running.fetch_sub(1, std::memory_order_relaxed);
  worker_.running().erase(place_);
}

http::Task<Persistence> Exchange::run() {
  // One refusal for all steps: each of its own would have its place in the coroutine's frame.
  auto refusal = identify();
  if (!refusal) refusal = admission_.enter(base::steady_now(), context_.settings->refusals_per_second);
  if (!refusal && !body_.take_whole(client_)) refusal = co_await body_.read(client_);
  if (body_.client_left()) writer_.client_left();
  if (!refusal) refusal = scan_and_allow();
  if (!refusal && stored_) refusal = co_await look_for_stored();
  if (!refusal) refusal = admit();
  if (!refusal && admission_.is_limited()) refusal = co_await reserve();
  for (;;) {
    if (!refusal) refusal = co_await open();
    if (refusal) co_return co_await refuse(std::move(*refusal));
    const auto end = co_await pump();
    if (end == ResponsePump::End::over) break;
    // Nothing that the client saw any of: the next channel's turn.
    const bool broke_off = end == ResponsePump::End::lost;
    attempt_->lose_response(broke_off ? "broke off" : "was none");
    if (!broke_off && !may_go_on()) refusal = failover_.refusal();
  }
  close();
  co_return writer_.persistence();
}

Exchange::MaybeRefusal Exchange::identify() {
  const auto& shared = worker_.shared();
  if (!shared.ledger.fresh()) return ledger_unavailable();
  auto refusal =
      admission_.identify(context_.head, client_.peer(), *context_.settings, worker_.key_reader(), entry_.started_at());
  worker_.note_source(admission_.caller(), client_.peer());
  if (!refusal) refusal = Admission::serve(worker_.ledger_admits());
  if (!refusal) refusal = body_.begin(worker_.shared().memory, *admission_.caller().token);
  return refusal;
}

Exchange::MaybeRefusal Exchange::scan_and_allow() {
  if (context_.endpoint == dialect::Endpoint::response_by_id) {
    dialect::RequestScan scan;
    if (auto refusal = read_stored_request(scan)) return refusal;
    return admission_.allow(std::move(scan));
  }
  auto scan = body_.scan(worker_.scanner());
  if (!scan) return std::move(scan.error());
  if (auto refusal = admission_.allow(std::move(*scan))) return refusal;
  const auto& previous = admission_.scan().previous_response;
  if (!previous.empty()) stored_ = std::make_unique<Stored>(admission_.caller().token->id, previous);
  return std::nullopt;
}

Exchange::MaybeRefusal Exchange::read_stored_request(dialect::RequestScan& scan) {
  auto stored = read_stored_call(admission_.caller().token->id, context_.head);
  if (!stored) return std::move(stored.error());
  stored_ = std::move(*stored);
  scan.stream = asks_for_stream(context_.head);
  return std::nullopt;
}

// Asked of the channel, and with the key, that made it; and only for the token that did.
http::Task<Exchange::MaybeRefusal> Exchange::look_for_stored() {
  auto query = std::make_unique<ledger::QueryOp>(ledger::QueryOp{stored_->query});
  LedgerWait wait(worker_, client_);
  co_await wait.query(query);
  if (!query) co_return unanswered_by_ledger(wait.end());
  co_return stored_->take(std::move(*query), admission_.caller().token->name);
}

Exchange::MaybeRefusal Exchange::admit() {
  auto refusal = admission_.route(stored_.get(), entry_.started_at(), base::steady_now(), worker_.random());
  if (refusal) return refusal;
  refusal = admission_.check_price(body_.size(false));
  if (refusal) return refusal;
  entry_.charge_to(admission_.routes().tries.front());
  return admission_.charge_rates(entry_.priced(), base::steady_now());
}

// Of the routes of a stream, in their order; of all else nobody asks for them.
std::vector<std::int64_t> Exchange::output_rates() {
  std::vector<std::int64_t> rates;
  if (!admission_.scan().stream) return rates;
  for (const auto& route : admission_.routes().tries) {
    const auto address = worker_.upstreams().address_of(*route.channel);
    rates.push_back(address ? (*address)->output_rate
                            : provider::output_rate_max(provider::of(route.channel->kind), {}));
  }
  return rates;
}

http::Task<Exchange::MaybeRefusal> Exchange::reserve() {
  LedgerWait wait(worker_, client_);
  const auto rates = output_rates();
  auto& reservation = entry_.make_reservation(worker_.shared().ledger.now(), rates);
  co_await wait.reserve(reservation);
  if (!reservation && wait.end() == LedgerWait::End::reserved)
    co_return admission_.check_reservation(wait.in_the_way(), entry_.started_at());
  if (!reservation) co_return unanswered_by_ledger(wait.end());
  auto refusal = entry_.take_reservation(worker_.shared().ledger.now());
  if (entry_.reserved() != nullptr) {
    for (std::size_t place = 0; place < admission_.routes().tries.size(); ++place) {
      if (!entry_.carries(place)) failover_.leave_out(place);
    }
    body_.limit_choices(admission_.scan().choices);
  }
  co_return refusal;
}

// Nothing is sent again before what it may come to beside the attempts before it is durable.
http::Task<Exchange::MaybeRefusal> Exchange::note_lost(std::unique_ptr<Reservation>& note) {
  LedgerWait wait(worker_, client_);
  co_await wait.reserve(note);
  if (!note) co_return unanswered_by_ledger(wait.end());
  if (note->outcome != ledger::ReserveOutcome::reserved) co_return ledger_unavailable();
  co_return std::nullopt;
}

Exchange::MaybeRefusal Exchange::unanswered_by_ledger(LedgerWait::End end) {
  if (end != LedgerWait::End::late) writer_.client_left();
  return ledger_unavailable();
}

// From the chosen routes to a response's head. Fails over only while the client saw nothing.
http::Task<Exchange::MaybeRefusal> Exchange::open() {
  auto& shared = worker_.shared();
  watch_client();
  for (;;) {
    if (auto note = entry_.make_lost_note()) {
      if (auto refusal = co_await note_lost(note)) co_return refusal;
    }
    const auto claimed = failover_.next();
    if (!claimed) break;
    entry_.charge_to(*claimed->route);
    attempt_.emplace(Attempt::Request{context_, admission_.scan(), body_, worker_.upstreams(), shared.health,
                                      shared.log, shared.metrics, &client_, stored_.get(), entry_.reserved(),
                                      entry_.longest_answer(), writer_.client_gone(), &shared.ledger},
                     *claimed);
    auto result = attempt_->begin();
    if (!result) result = co_await attempt_->send(!failover_.is_left());
    if (result->kind == AttemptResult::Kind::opened) co_return std::nullopt;
    if (!goes_on(std::move(*result), *claimed)) break;
  }
  co_return failover_.refusal();
}

// Whether another attempt follows one that has no response; it is counted as far as it may have been worked on.
bool Exchange::goes_on(AttemptResult result, const ClaimedRoute& claimed) {
  if (body_.client_left()) writer_.client_left();
  if (result.kind == AttemptResult::Kind::rewritten) {
    attempt_->hand_over();
    failover_.rewritten(claimed, result.bound_most);
    return !writer_.client_gone();
  }
  if (result.kind == AttemptResult::Kind::stale) {
    if (entry_.carry_another(result, attempt_->output_rate())) {
      attempt_->hand_over();
      failover_.again(claimed);
      return true;
    }
    attempt_->give_up();
    result.kind = AttemptResult::Kind::spent;
  }
  const auto request = entry_.priced();
  const bool all = result.maybe_done && !dialect::is_free(context_.endpoint);
  const bool late = result.refusal.code == dialect::RefusalCode::upstream_timeout;
  // What is reserved carries one such attempt; and whoever waited in vain does not wait again, but for the channel's
  // word: then by what is left, as after a stale connection.
  const bool wanted = late && attempt_->channel().retry_after_timeout;
  if (all && wanted && entry_.reserved() != nullptr) {
    if (!entry_.carry_another(result, attempt_->output_rate())) {
      entry_.lose_all(request, {});
      result.kind = AttemptResult::Kind::spent;
    }
  } else if (const auto usage = lost_usage(result, request, attempt_->output_rate())) {
    all ? entry_.lose_all(request, *usage) : entry_.add_lost(request, *usage);
    if (all && ((late && !wanted) || entry_.reserved() != nullptr)) result.kind = AttemptResult::Kind::spent;
  }
  failover_.note(std::move(result.refusal));
  return result.kind != AttemptResult::Kind::spent && may_go_on();
}

bool Exchange::may_go_on() const {
  if (!body_.is_replayable() || writer_.client_gone()) return false;
  return context_.time_left(body_.came_at(), context_.settings->total_timeout).count() > 0;
}

void Exchange::tick(base::SteadyTime now) {
  if (pump_) {
    pump_->tick(now);
  } else {
    writer_.tick(now);
  }
}

http::Task<ResponsePump::End> Exchange::pump() {
  auto& shared = worker_.shared();
  pump_.emplace(ResponsePump::Parts{context_, admission_, body_, failover_, entry_, *watch_, worker_.io(),
                                    shared.memory, shared.draining, stored_.get()},
                writer_, *attempt_);
  return pump_->run();
}

void Exchange::close() {
  writer_.allow_comments(false);
  watch_->look_for_hang_up(-1);
  watch_->ticking(false);
  attempt_->end_response();  // its connection goes back to the pool now, not when the next request comes
}

http::Task<Persistence> Exchange::refuse(Refusal refusal) {
  const auto persistence = persistence_after(context_.head, client_, worker_.shared().is_draining());
  const auto& row = dialect::row_of(refusal.code);
  entry_.settle(Outcome::End::refused, {row.status, row.name}, attempt_ ? attempt_->facts() : LastAttempt{},
                writer_.client_gone(), refusal.code);
  if (writer_.client_gone()) co_return Persistence::close;
  const auto rates = admission_.rate_status(base::steady_now());
  const auto text = refusal_text(refusal, context_.answer(), persistence, rates ? &*rates : nullptr);
  const bool written = co_await writer_.write_text(text);
  co_return written ? persistence : Persistence::close;
}

void Exchange::watch_client() {
  if (watch_) return;
  watch_.emplace(client_.heartbeat(),
                 http::Watch::Callbacks{
                     {}, [this](short events) { on_hang_up(events); }, [this](base::SteadyTime now) { tick(now); }});
  watch_->look_for_hang_up(client_.fd());
}

void Exchange::on_hang_up(short events) {
  const bool may_read = (events & (POLLERR | POLLHUP)) == 0;
  if (may_read && context_.settings->client_half_close == policy::ClientHalfClose::wait)
    return writer_.half_closed(base::coarse_now());
  client_left();
  const bool begun = attempt_ && (attempt_->response() != nullptr || attempt_->is_sent());
  const bool drains = context_.settings->on_client_gone == policy::OnClientGone::drain && begun && !writer_.was_cut();
  if (drains && base::steady_now() < writer_.drain_until()) return;
  if (attempt_) attempt_->cancel();
  if (pump_) pump_->cancel();
}

void Exchange::client_left() {
  writer_.client_left();
  if (attempt_) attempt_->client_left();
}

void Exchange::cut() {
  writer_.cut();
  client_left();
  if (attempt_) attempt_->cancel();
  if (pump_) pump_->cancel();
}

}  // namespace cr::relay::request
