// SPDX-License-Identifier: MIT
// Stored responses are asked of the channel, and with the key, that made them; and only for the token that did. All
// tokens share the provider's account, so that an id alone must not open another token's response.
#include "relay/request/stored.h"

#include <algorithm>

#include "dialect/stored_path.h"
#include "relay/request/ledger_wait.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

namespace {

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
  query.token = token;
  query.response.id = id;
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

std::optional<Refusal> Stored::take(ledger::QueryOp answer, const std::string& token_name) {
  if (!answer.readable) return ledger_unreadable();
  query = std::get<ledger::StoredResponseQuery>(std::move(answer.query));
  if (!query.found) return unknown_response(*this, token_name);
  return std::nullopt;
}

dialect::RefusalOr<std::unique_ptr<Stored>> read_stored_call(ledger::TokenId token,
                                                             const http::message::RequestHead& head) {
  const auto path = dialect::read_stored_path(head.path);
  if (!path || !path->allows(head.method_text)) {
    return tl::unexpected(Refusal{RefusalCode::method_not_allowed,
                                  "this address does not answer that method: see Allow",
                                  std::string(path ? path->methods : std::string_view()),
                                  {}});
  }
  return std::make_unique<Stored>(token, path->id, head);
}

bool asks_for_stream(const http::message::RequestHead& head) {
  if (head.method != http::message::Method::get) return false;
  auto query = head.query;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (query.substr(0, end) == "stream=true") return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

}  // namespace cr::relay::request
