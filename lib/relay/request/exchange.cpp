// SPDX-License-Identifier: MIT
#include "relay/request/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "relay/request/persistence.h"
#include "relay/request/price_terms.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

namespace {

constexpr std::chrono::seconds k_overload_retry{1};

bool is_json(std::string_view content_type) {
  constexpr std::string_view k_json = "application/json";
  if (content_type.size() < k_json.size()) return false;
  if (!base::equals_ignoring_case(content_type.substr(0, k_json.size()), k_json)) return false;
  const auto rest = content_type.substr(k_json.size());
  return rest.empty() || rest.front() == ';' || rest.front() == ' ';
}

Refusal budget_refusal(const std::string& named, const ledger::ReserveOp& op) {
  const auto wait = std::chrono::ceil<std::chrono::seconds>(op.budget_resets_at - base::wall_now());
  return {RefusalCode::budget_exceeded,
          named + " has used up its budget of this " + std::string(base::name_of(op.budget)) +
              ", which begins anew at " + base::format_rfc3339(op.budget_resets_at) +
              ": wait, or raise it with 'crctl token edit --budget'",
          {},
          std::max(std::chrono::seconds(1), wait)};
}

}  // namespace

Exchange::Exchange(Lane& lane, http::server::Connection& client, const http::message::RequestHead& head,
                   dialect::Endpoint endpoint, base::RequestId id)
    : lane_(lane),
      client_(client),
      head_(head),
      endpoint_(endpoint),
      id_(id),
      request_id_(id.to_string()),
      started_at_(base::wall_now()),
      started_(base::steady_now()),
      waiting_since_(started_),
      directory_(lane.directory()),
      settings_(lane.settings()),
      place_(lane.running().insert(lane.running().end(), this)),
      memory_wait_(lane.io()),
      events_(settings_->event_bytes_max) {
  lane_.shared().requests_running.fetch_add(1, std::memory_order_relaxed);
  lane_.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
  report({routing::Verdict::Kind::abandoned});  // unless it was told already
  base::wipe(request_.head);  // still here, with the channel's key, if the daemon stopped while it was being sent
  leave_rates();
  lane_.shared().requests_running.fetch_sub(1, std::memory_order_relaxed);
  lane_.running().erase(place_);
}

http::Task<Persistence> Exchange::run() {
  // One refusal for all steps: each of its own would have its place in the coroutine's frame.
  auto refusal = check_head();
  if (!refusal) refusal = enter_rates();
  if (upload_) {
    if (!refusal) refusal = co_await read_form();
  } else {
    const bool came = !refusal && !coded_ && client_.take_body(settings_->body_bytes_max);
    if (!refusal && !came) refusal = co_await read_body();
  }
  if (!refusal) refusal = scan_and_allow();
  if (!refusal && stored_) refusal = co_await look_for_stored();
  if (!refusal) refusal = route();
  if (!refusal) refusal = charge_rates();
  if (!refusal && caller_.limited() && !dialect::is_free(endpoint_)) refusal = co_await reserve();
  do {
    if (!refusal) refusal = co_await open();
    if (refusal) co_return co_await refuse(std::move(*refusal));
    co_await pump();
  } while (!source_);  // its answer broke off before the client saw any of it: the next channel's turn
  end_pump();
  co_return persistence_;
}

Exchange::MaybeRefusal Exchange::check_head() {
  auto admitted =
      authenticate(head_, client_.peer(), *settings_, lane_.shared().ledger, *directory_, started_at_, caller_);
  if (!admitted) return admitted.error();
  body_memory_.emplace(lane_.shared().memory, caller_.token->id.value);
  answer_memory_.emplace(lane_.shared().memory, caller_.token->id.value);
  if (lane_.shared().draining.load(std::memory_order_relaxed)) {
    return Refusal{
        RefusalCode::overloaded, "this daemon is shutting down: send the request again", {}, k_overload_retry};
  }
  if (!lane_.ledger_admits()) return ledger_unavailable();
  if (endpoint_ == dialect::Endpoint::response_by_id) return std::nullopt;  // has no body that matters
  auto coding = read_coding(head_);
  if (!coding) return coding.error();
  coded_ = std::move(*coding);
  if (dialect::takes_form(endpoint_)) {
    auto boundary = dialect::openai::multipart_boundary(head_.find("content-type").value_or(""));
    if (!boundary) return boundary.error();
    upload_ = std::make_unique<Upload>(*boundary);
    return std::nullopt;
  }
  if (!is_json(head_.find("content-type").value_or(""))) {
    return Refusal{
        RefusalCode::unsupported_media_type, "this endpoint reads JSON: send Content-Type: application/json", {}, {}};
  }
  return std::nullopt;
}

Exchange::MaybeRefusal Exchange::scan_and_allow() {
  if (endpoint_ == dialect::Endpoint::response_by_id) return read_stored_request();
  if (upload_) {
    scan_ = upload_->form.scan();
  } else {
    auto scan = lane_.scanner().scan(endpoint_, client_.body());
    if (!scan) return scan.error();
    scan_ = std::move(*scan);
  }
  if (!caller_.token->model_set.allows(scan_.model))
    return refusal_of(token::Verdict::model_not_allowed, *caller_.token);
  if (!scan_.previous_response.empty()) stored_ = std::make_unique<Stored>(caller_.token->id, scan_.previous_response);
  return std::nullopt;
}

routing::Routes Exchange::look_for_routes() {
  auto& health = lane_.shared().health;
  return stored_ ? routing::find_home(*directory_, *caller_.token, stored_->look.response, scan_.model, endpoint_,
                                      health, base::steady_now())
                 : routing::find_routes(*directory_, *caller_.token, scan_.model, endpoint_, health, base::steady_now(),
                                        lane_.random());
}

Exchange::MaybeRefusal Exchange::route() {
  routes_ = look_for_routes();
  if (routes_.tries.empty()) {
    if (routes_.closed) return routing::closed_refusal(*routes_.closed);
    if (stored_) return unreachable_response(*stored_, caller_.token->name);
    return Refusal{RefusalCode::model_not_found,
                   "no channel of the groups of token '" + caller_.token->name +
                       "' serves this model at this endpoint: see 'crctl route explain'",
                   "model",
                   {}};
  }
  group_ = routes_.tries.front().group;
  price_ = directory_->find_price(scan_.model, started_at_);
  if (!price_) price_ = directory_->find_price(routes_.tries.front().upstream_model, started_at_);
  return caller_.limited() && !dialect::is_free(endpoint_) ? check_price() : std::nullopt;
}

Exchange::MaybeRefusal Exchange::check_price() const {
  if (!price_) {
    return Refusal{RefusalCode::model_not_priced,
                   "the model has no price, and token '" + caller_.token->name +
                       "' or its account has a quota or a budget: set one with 'crctl price set'",
                   "model",
                   {}};
  }
  const auto request = priced();
  if (!billing::can_meter(*request.price, endpoint_)) {
    return Refusal{RefusalCode::model_not_priced,
                   "the model's price has nothing that this endpoint is metered by, and token '" + caller_.token->name +
                       "' or its account has a quota or a budget: set one with 'crctl price set'",
                   "model",
                   {}};
  }
  if (!request.units_ceiling()) {
    return Refusal{RefusalCode::invalid_value,
                   "the model's answers here are charged by tokens that a request cannot bound, and token '" +
                       caller_.token->name +
                       "' has a quota: give the model's price a longest answer with 'crctl price set --max-output'",
                   {},
                   {}};
  }
  if (!request.input_ceiling()) {
    return Refusal{
        RefusalCode::invalid_value,
        "the request has parts whose cost has no known bound (images, audio, files or stored context), and token '" +
            caller_.token->name +
            "' has a quota: give the model's price a context size with 'crctl price set --context'",
        {},
        {}};
  }
  return std::nullopt;
}

// All of it, or where an upload in chunks has not ended, what it may come to.
std::uint64_t Exchange::body_bytes() const {
  if (!streams_upload()) return client_.body().size();
  return head_.content_length.value_or(settled_ ? upload_->received : settings_->upload_bytes_max);
}

PricedRequest Exchange::priced() const {
  PricedRequest request{.scan = scan_, .endpoint = endpoint_};
  if (price_) request.price = to_price(*price_);
  if (group_ != nullptr) request.multiplier = {group_->multiplier_millionths};
  request.body_bytes = body_bytes();
  if (upload_) request.told_bytes = std::max<std::uint64_t>(upload_->received, head_.content_length.value_or(0));
  if (hold_) request.hold = &*hold_;
  return request;
}

http::Task<Exchange::MaybeRefusal> Exchange::reserve() {
  reservation_ = std::make_unique<Reservation>(priced().hold_terms(caller_.token->when_low));
  started_at_ = base::wall_now();
  fill_facts(reservation_->facts);
  LedgerWait wait(lane_, client_);
  co_await wait.reserve(reservation_);
  co_return reservation_ ? check_reservation() : unanswered_by_ledger(wait.end());
}

Exchange::MaybeRefusal Exchange::unanswered_by_ledger(LedgerWait::End end) {
  if (end != LedgerWait::End::late) client_left();
  return ledger_unavailable();
}

Exchange::MaybeRefusal Exchange::check_reservation() {
  const auto named = "token '" + caller_.token->name + "'";
  switch (reservation_->outcome) {
    case ledger::ReserveOutcome::held:
      hold_ = reservation_->hold;
      return std::nullopt;
    case ledger::ReserveOutcome::unlimited:
      return std::nullopt;
    case ledger::ReserveOutcome::no_token_credit:
      return Refusal{RefusalCode::insufficient_quota,
                     named + " has not enough credit left for this request: raise it with 'crctl token edit --quota'",
                     {},
                     {}};
    case ledger::ReserveOutcome::no_account_credit:
      return Refusal{RefusalCode::insufficient_quota,
                     "the account of " + named +
                         " has not enough credit left for this request: raise it with 'crctl account credit'",
                     {},
                     {}};
    case ledger::ReserveOutcome::no_budget:
      return budget_refusal(named, *reservation_);
    case ledger::ReserveOutcome::gone:
      return Refusal{RefusalCode::invalid_api_key, "the API key stopped working while the request was read", {}, {}};
    case ledger::ReserveOutcome::unavailable:
      break;
  }
  return ledger_unavailable();
}

http::Task<Persistence> Exchange::refuse(Refusal refusal) {
  const auto persistence = persistence_after(head_, client_, lane_.shared());
  status_ = dialect::row_of(refusal.code).status;
  error_ = dialect::row_of(refusal.code).name;
  settle(Outcome::End::refused, refusal.code);
  if (client_gone_) co_return Persistence::close;
  const auto rates = rate_status();
  const auto to = answer_for(head_, dialect::dialect_of(endpoint_), request_id_, *settings_);
  const auto text = refusal_text(refusal, to, persistence, rates ? &*rates : nullptr);
  const bool written = co_await client_.write(text);
  co_return written ? persistence : Persistence::close;
}

void Exchange::cut() {
  was_cut_ = true;
  client_left();
  client_.cut();
  if (connecting_) connecting_->cancel();
  if (source_) source_->cancel();
  memory_wait_.cancel();
}

}  // namespace cr::relay::request
