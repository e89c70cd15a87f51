// SPDX-License-Identifier: MIT
// Worker, one connection's requests: read a head, find who answers it, go on or close.
#include "http/head_writer.h"
#include "relay/answer_text.h"
#include "relay/exchange.h"
#include "relay/own_answers.h"
#include "relay/persistence.h"
#include "server/worker.h"

namespace cr::server {

using openai::Refusal;
using openai::RefusalCode;
using relay::Persistence;

namespace {

// Named, because GCC 12 destroys a braced temporary in a co_await expression twice (GCC bug 99576).
const Refusal k_post_only{RefusalCode::method_not_allowed, "this endpoint answers POST only", "POST", {}};
const Refusal k_get_only{RefusalCode::method_not_allowed, "this address answers GET only", "GET", {}};
const Refusal k_unknown_endpoint{
    RefusalCode::unknown_endpoint, "no such endpoint here: see docs/endpoints.md for those that are relayed", {}, {}};

// A framing error: nothing of what was sent is reflected, and the connection ends.
std::string framing_error(const http::HeadResult& result, std::string_view request_id) {
  std::string body = R"({"error":{"message":")";
  body.append(result.reason).append(R"(","type":"invalid_request_error","param":null,"code":"bad_request"}})");
  relay::AnswerHead head;
  head.status = result.status;
  head.content_length = body.size();
  head.request_id = request_id;
  head.persistence = Persistence::close;
  head.should_retry = false;
  if (result.status == 405) head.allow = "GET, POST";
  std::string out;
  relay::append_head(out, head);
  return out + body;
}

http::Task<Persistence> refuse(http::Connection& client, const http::RequestHead& head, const Refusal& refusal,
                               base::RequestId id, const relay::Shared& shared) {
  const auto persistence = relay::persistence_after(head, client, shared);
  const auto text = relay::refusal_text(refusal, relay::dialect_of_path(head.path), id.to_string(), persistence);
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

http::Task<void> Worker::serve_requests(http::Connection& client) {
  http::RequestHead head;
  const auto requests_max = state_.requests_per_connection_max.load(std::memory_order_relaxed);
  for (std::uint64_t served = 1;; ++served) {
    client.set_idle(true);
    if (draining_ && !client.has_buffered()) break;
    const auto outcome = co_await client.read_head(head);
    client.set_idle(false);
    if (outcome == http::ReadOutcome::refused) {
      const auto id = base::RequestId::make(base::wall_now());
      const auto text = framing_error(client.refusal(), id.to_string());
      if (co_await client.write(text)) co_await linger(client);
      co_return;
    }
    if (outcome == http::ReadOutcome::wrong_protocol) note_wrong_protocol(client);
    if (outcome != http::ReadOutcome::ok) co_return;
    if (served >= requests_max) head.keep_alive = false;
    const auto persistence = co_await answer(client, head);
    // Whatever the answer promised: no request is read before the end of this one's body.
    if (persistence == Persistence::close || !co_await client.drain_body()) {
      co_await linger(client);
      co_return;
    }
    client.end_request();
    client.use(limits_);
  }
}

http::Task<void> Worker::linger(http::Connection& client) {
  const DrainSlot slot(state_.drains);
  co_await client.linger(slot.taken() ? http::Connection::Linger::drain : http::Connection::Linger::briefly);
}

http::Task<Persistence> Worker::answer(http::Connection& client, const http::RequestHead& head) {
  const auto id = base::RequestId::make(base::wall_now());
  if (const auto endpoint = openai::find_endpoint(head.path)) {
    if (head.method != http::Method::post && *endpoint != openai::Endpoint::response_by_id) {
      co_return co_await refuse(client, head, k_post_only, id, shared_);
    }
    const auto exchange = std::make_unique<relay::Exchange>(lane_, client, head, *endpoint, id);
    co_return co_await exchange->run();
  }
  if (const auto own = relay::find_own_answer(head.path))
    co_return co_await relay::give_own_answer(lane_, client, head, *own, id);
  if (head.path == "/healthz" || head.path == "/readyz") co_return co_await answer_health(client, head, id);
  co_return co_await refuse(client, head, k_unknown_endpoint, id, shared_);
}

// /healthz: the process serves. /readyz: it takes new requests. Both 503 while it drains.
http::Task<Persistence> Worker::answer_health(http::Connection& client, const http::RequestHead& head,
                                              base::RequestId id) {
  if (head.method != http::Method::get && head.method != http::Method::head) {
    co_return co_await refuse(client, head, k_get_only, id, shared_);
  }
  const bool draining = shared_.draining.load(std::memory_order_relaxed);
  const std::string_view body = draining ? R"({"status":"draining"})" : R"({"status":"ok"})";
  relay::AnswerHead answer;
  answer.status = draining ? 503 : 200;
  answer.content_length = body.size();
  const auto request_id = id.to_string();
  answer.request_id = request_id;
  answer.persistence = relay::persistence_after(head, client, shared_);
  std::string text;
  relay::append_head(text, answer);
  if (head.method == http::Method::get) text.append(body);
  const bool written = co_await client.write(text);
  co_return written ? answer.persistence : Persistence::close;
}

}  // namespace cr::server
