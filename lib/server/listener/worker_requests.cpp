// SPDX-License-Identifier: MIT
// Worker, one connection's requests: read a head, find who answers it, go on or close.
#include <algorithm>

#include "base/text.h"
#include "relay/policy/cors.h"
#include "relay/request/answer_text.h"
#include "relay/request/exchange.h"
#include "relay/request/local_endpoints.h"
#include "relay/request/persistence.h"
#include "relay/request/wrong_path.h"
#include "server/listener/worker.h"

namespace cr::server::listener {

using dialect::Refusal;
using dialect::RefusalCode;
using relay::request::Persistence;

namespace {

// Named, because GCC 12 destroys a braced temporary in a co_await expression twice (GCC bug 99576).
const Refusal k_post_only{RefusalCode::method_not_allowed, "this endpoint answers POST only", "POST", {}};
const Refusal k_get_only{RefusalCode::method_not_allowed, "this address answers GET and HEAD only", "GET, HEAD", {}};
// Codex for one gives up a WebSocket at once for this, and tries any other answer again.
const Refusal k_no_websockets{
    RefusalCode::upgrade_required, "no WebSockets are spoken here: send the request by HTTP POST", {}, {}};
const Refusal k_other_origin{
    RefusalCode::origin_not_allowed,
    "pages of this origin may not call this gateway: its administrator can allow the origin in "
    "'cors.allow_origins'",
    {},
    {}};

const Refusal k_crowded{RefusalCode::overloaded,
                        "too many requests at once from this address: try again in a moment",
                        {},
                        dialect::k_retry_soon};

// A framing error: nothing of what was sent is reflected, and the connection ends.
std::string framing_error(const http::message::HeadResult& result, const http::message::RequestHead& of,
                          std::string_view request_id, const relay::policy::Settings& settings) {
  std::string body = R"({"error":{"message":")";
  body.append(result.reason).append(R"(","type":"invalid_request_error","param":null,"code":"bad_request"}})");
  relay::request::AnswerHead head;
  head.status = result.status;
  head.content_length = body.size();
  head.to = relay::request::answer_for(of, dialect::Dialect::openai, request_id, settings);
  head.persistence = Persistence::close;
  head.should_retry = false;
  if (result.status == 405) head.allow = "GET, POST";
  std::string out;
  relay::request::append_head(out, head);
  if (!head.to.head_only) out += body;
  return out;
}

// RFC 6455, 4.1: a GET that asks for it. Behind any other method Upgrade is an offer that need not be taken.
bool asks_for_websocket(const http::message::RequestHead& head) {
  if (head.method != http::message::Method::get) return false;
  for (const auto& field : head.fields) {
    if (!base::equals_ignoring_case(field.name, "upgrade")) continue;
    const auto protocols = base::split_list(field.value);
    const auto is_it = [](const std::string& one) { return base::equals_ignoring_case(one, "websocket"); };
    if (std::any_of(protocols.begin(), protocols.end(), is_it)) return true;
  }
  return false;
}

// Where heads take more memory than there is for them: of this one nothing can be told.
std::string no_room_for_head(const relay::policy::Settings& settings) {
  const auto id = base::RequestId::make(base::wall_now()).to_string();
  const Refusal refusal{RefusalCode::overloaded,
                        "too much memory is held by unfinished requests: try again in a moment",
                        {},
                        dialect::k_retry_soon};
  const auto to = relay::request::answer_for({}, dialect::Dialect::openai, id, settings);
  return relay::request::refusal_text(refusal, to, Persistence::close);
}

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/readyz" || path == "/";
}

// What leaves no row, for no token is known: it is counted, and logged as far as a stranger may fill a log. Not its
// path, which can have anything in it.
void note_refused(relay::request::WorkerContext& worker, const http::server::Connection& client,
                  const http::message::RequestHead& head, RefusalCode code, std::string_view request_id) {
  auto& shared = worker.shared();
  shared.metrics.count(code);
  if (worker.settings()->log_requests == relay::policy::LogRequests::none) return;
  if (!shared.refusal_log.admits(code, base::steady_now())) return;
  const auto source = relay::request::source_address(head, client.peer(), *worker.settings());
  const auto& row = dialect::row_of(code);
  shared.log.warning("request failed", {{"request_id", std::string(request_id)},
                                        {"source", source.value_or(client.peer()).to_string()},
                                        {"status", std::to_string(row.status)},
                                        {"error", std::string(row.name)}});
}

http::Task<Persistence> refuse(http::server::Connection& client, const http::message::RequestHead& head,
                               const Refusal& refusal, const relay::request::AnswerFor& to,
                               relay::request::WorkerContext& worker) {
  note_refused(worker, client, head, refusal.code, to.request_id);
  const auto persistence = relay::request::persistence_after(head, client, worker.shared().is_draining());
  const auto text = relay::request::refusal_text(refusal, to, persistence);
  const bool written = co_await client.write(text);
  co_return written ? persistence : Persistence::close;
}

// How many connections are read on at once until what nobody wants of a body has come; beyond it only briefly.
constexpr std::int64_t k_drains_max = 1024;

class DrainSlot {
 public:
  explicit DrainSlot(std::atomic<std::int64_t>& drains)
      : drains_(drains), taken_(drains.fetch_add(1, std::memory_order_relaxed) < k_drains_max) {}
  ~DrainSlot() { drains_.fetch_sub(1, std::memory_order_relaxed); }
  DrainSlot(const DrainSlot&) = delete;
  DrainSlot& operator=(const DrainSlot&) = delete;
  bool taken() const { return taken_; }

 private:
  std::atomic<std::int64_t>& drains_;
  bool taken_;
};

}  // namespace

http::Task<void> Worker::serve_requests(http::server::Connection& client) {
  http::message::RequestHead head;
  const auto requests_max = state_.requests_per_connection_max.load(std::memory_order_relaxed);
  for (std::uint64_t served = 1;; ++served) {
    client.set_idle(true);
    if (draining_ && !client.awaits_request()) break;
    const auto outcome = co_await client.read_head(head);
    client.set_idle(false);
    if (outcome == http::server::ReadOutcome::refused) {
      const auto id = base::RequestId::make(base::wall_now());
      const auto text = framing_error(client.refusal(), head, id.to_string(), *context_.settings());
      if (co_await client.write(text)) co_await linger(client);
      co_return;
    }
    if (outcome == http::server::ReadOutcome::no_room) {
      if (co_await client.write(no_room_for_head(*context_.settings()))) co_await linger(client);
      co_return;
    }
    if (outcome == http::server::ReadOutcome::wrong_protocol) note_wrong_protocol(client);
    if (outcome != http::server::ReadOutcome::ok) co_return;
    if (served >= requests_max) head.keep_alive = false;
    const auto place = place_of_client(client, head);
    const auto persistence = co_await answer(client, head, place);
    // Whatever the answer promised: no request is read before the end of this one's body.
    if (persistence == Persistence::close || !co_await client.drain_body()) {
      co_await linger(client);
      co_return;
    }
    client.end_request();
    client.use(limits_);
  }
}

http::Task<void> Worker::linger(http::server::Connection& client) {
  const DrainSlot slot(state_.drains);
  co_await client.linger(slot.taken() ? http::server::Connection::Linger::drain
                                      : http::server::Connection::Linger::briefly);
}

// Of who comes by way of a trusted proxy. Where the proxy names nobody that can be read, what the request may do
// decides.
AddressPlace Worker::place_of_client(const http::server::Connection& proxy, const http::message::RequestHead& head) {
  if (!is_trusted(proxy.peer())) return {};
  const auto source = relay::request::source_address(head, proxy.peer(), *context_.settings());
  return source && *source != proxy.peer() ? place_of(*source) : AddressPlace();
}

http::Task<Persistence> Worker::answer_crowd(http::server::Connection& client, const http::message::RequestHead& head) {
  const auto id = base::RequestId::make(shared_.ledger.now()).to_string();
  const auto to =
      relay::request::answer_for(head, relay::request::dialect_of_path(head.path), id, *context_.settings());
  co_return co_await refuse(client, head, k_crowded, to, context_);
}

// Not a coroutine itself: it hands on the one that fits.
http::Task<Persistence> Worker::answer(http::server::Connection& client, const http::message::RequestHead& head,
                                       const AddressPlace& place) {
  if (place.refused()) return answer_crowd(client, head);
  const auto endpoint = dialect::find_endpoint(head.path);
  const bool by_id = endpoint == dialect::Endpoint::response_by_id;
  const bool relayed = head.method == http::message::Method::post ||
                       (by_id && !asks_for_websocket(head) && !relay::policy::is_preflight(head));
  return endpoint && relayed ? relay_to_channel(client, head, *endpoint)
                             : answer_other(client, head, endpoint.has_value());
}

http::Task<Persistence> Worker::relay_to_channel(http::server::Connection& client,
                                                 const http::message::RequestHead& head, dialect::Endpoint endpoint) {
  const auto id = base::RequestId::make(shared_.ledger.now());
  const auto exchange = std::make_unique<relay::request::Exchange>(context_, client, head, endpoint, id);
  co_return co_await exchange->run();
}

http::Task<Persistence> Worker::answer_other(http::server::Connection& client, const http::message::RequestHead& head,
                                             bool endpoint) {
  const auto id = base::RequestId::make(shared_.ledger.now());
  const auto request_id = id.to_string();
  auto to =
      relay::request::answer_for(head, relay::request::dialect_of_path(head.path), request_id, *context_.settings());
  if (relay::policy::is_preflight(head)) co_return co_await answer_preflight(client, head, to);
  const auto own = relay::request::find_own_answer(head.path);
  if ((endpoint || own || is_health(head.path)) && asks_for_websocket(head))
    co_return co_await refuse(client, head, k_no_websockets, to, context_);
  if (endpoint) co_return co_await refuse(client, head, k_post_only, to, context_);
  if (own) co_return co_await relay::request::give_own_answer(context_, client, head, *own, id);
  if (is_health(head.path)) co_return co_await answer_health(client, head, to);
  const auto wrong = relay::request::explain_wrong_path(head.path, head.find("host").value_or(""));
  to.dialect = wrong.dialect;
  co_return co_await refuse(client, head, wrong.refusal, to, context_);
}

// Of any path: what is wrong with it the page shall read in the answer to its request.
http::Task<Persistence> Worker::answer_preflight(http::server::Connection& client,
                                                 const http::message::RequestHead& head,
                                                 const relay::request::AnswerFor& to) {
  if (to.allow_origin.empty()) co_return co_await refuse(client, head, k_other_origin, to, context_);
  const auto persistence = relay::request::persistence_after(head, client, shared_.is_draining());
  const auto text = relay::request::preflight_text(head, to, persistence);
  const bool written = co_await client.write(text);
  co_return written ? persistence : Persistence::close;
}

// /healthz: the process serves. /readyz: it takes new requests, and what they use can be recorded. Both 503 while it
// drains; so is /, which clients ask to see whether anybody is there.
http::Task<Persistence> Worker::answer_health(http::server::Connection& client, const http::message::RequestHead& head,
                                              const relay::request::AnswerFor& to) {
  if (head.method != http::message::Method::get && head.method != http::message::Method::head) {
    co_return co_await refuse(client, head, k_get_only, to, context_);
  }
  const bool draining = shared_.draining.load(std::memory_order_relaxed);
  const bool unready = !draining && head.path == "/readyz" && !context_.ledger_admits();
  const std::string_view body = draining  ? R"({"status":"draining"})"
                                : unready ? R"({"status":"ledger_unavailable"})"
                                          : R"({"status":"ok"})";
  relay::request::AnswerHead answer;
  answer.status = draining || unready ? 503 : 200;
  answer.content_length = body.size();
  answer.to = to;
  answer.persistence = relay::request::persistence_after(head, client, shared_.is_draining());
  std::string text;
  relay::request::append_head(text, answer);
  if (!answer.to.head_only) text.append(body);
  const bool written = co_await client.write(text);
  co_return written ? answer.persistence : Persistence::close;
}

}  // namespace cr::server::listener
