// SPDX-License-Identifier: MIT
// Exchange, stored responses: asked of the channel, and with the key, that made them; and only for the token that did.
// All tokens share the provider's account, so that an id alone must not open another token's answer.
#include "relay/request/stored.h"

#include <algorithm>

#include "dialect/stored_path.h"
#include "relay/request/exchange.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

namespace {

// Whether one of `query`'s parameters is stream=true.
bool asks_for_stream(std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (query.substr(0, end) == "stream=true") return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

Refusal unknown_response(const Stored& stored, const std::string& token) {
  if (stored.by_id()) {
    return {RefusalCode::response_not_found,
            "no response of this id that token '" + token + "' made and that is kept still",
            "response_id",
            {}};
  }
  return {
      RefusalCode::previous_response_not_found,
      "token '" + token + "' made no such response, or it is not kept any more: send the conversation itself as input",
      "previous_response_id",
      {}};
}

}  // namespace

Refusal unreachable_response(const Stored& stored, const std::string& token) {
  if (stored.by_id()) {
    return {RefusalCode::response_not_found,
            "the channel that made this response keeps none (echo), or is gone, disabled or in none of the groups of "
            "token '" +
                token + "' any more",
            "response_id",
            {}};
  }
  return {RefusalCode::previous_response_not_found,
          "the channel that keeps the previous response does not serve this model to token '" + token +
              "': send the conversation itself as input",
          "previous_response_id",
          {}};
}

Stored::Stored(ledger::TokenId token, std::string_view id) {
  look.token = token;
  look.response.id = id;
}

Stored::Stored(ledger::TokenId token, std::string_view id, const http::message::RequestHead& head) : Stored(token, id) {
  // A provider need not know HEAD: what it would answer is what GET gets.
  method = head.method == http::message::Method::head ? std::string_view("GET") : head.method_text;
  target = head.path.substr(std::string_view("/v1").size());
  if (!head.query.empty()) target.append("?").append(head.query);
}

UpstreamCall Stored::call() const {
  UpstreamCall call;
  call.method = method;
  const auto mark = std::min(target.find('?'), target.size());
  const std::string_view whole = target;
  call.asked = {
      dialect::Endpoint::response_by_id, whole.substr(0, mark), whole.substr(std::min(mark + 1, whole.size())), {}};
  call.content_type = {};
  if (method == "POST") {  // cancel: without a length many servers wait for a body, or refuse (RFC 9110, 8.6)
    call.content_type = "application/json";
    call.body_bytes = 0;
  }
  return call;
}

Exchange::MaybeRefusal Exchange::read_stored_request(dialect::RequestScan& scan) {
  const auto path = dialect::read_stored_path(head_.path);
  if (!path || !path->allows(head_.method_text)) {
    return Refusal{RefusalCode::method_not_allowed,
                   "this address does not answer that method: see Allow",
                   std::string(path ? path->methods : std::string_view()),
                   {}};
  }
  stored_ = std::make_unique<Stored>(token().id, path->id, head_);
  scan.stream = head_.method == http::message::Method::get && asks_for_stream(head_.query);
  return std::nullopt;
}

http::Task<Exchange::MaybeRefusal> Exchange::look_for_stored() {
  auto query = std::make_unique<ledger::LookOp>(stored_->look);
  LedgerWait wait(lane_, client_);
  co_await wait.look(query);
  if (!query) co_return unanswered_by_ledger(wait.end());
  stored_->look = std::move(*query);
  co_return take_stored();
}

// After the ledger has looked.
Exchange::MaybeRefusal Exchange::take_stored() {
  const auto& look = stored_->look;
  if (!look.readable) return ledger_unreadable();
  if (!look.found) return unknown_response(*stored_, token().name);
  return std::nullopt;
}

}  // namespace cr::relay::request
