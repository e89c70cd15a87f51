// SPDX-License-Identifier: MIT
// Stored: the response that a request asks for, or goes on from, and where it is. Worker thread; lives in its Exchange.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/refusal.h"
#include "http/message/head.h"
#include "ledger/core/operations.h"
#include "relay/request/upstream_request.h"

namespace cr::relay::request {

struct Stored {
  // What a request goes on from.
  Stored(ledger::TokenId token, std::string_view id);
  // What a request is about, sent on as it came.
  Stored(ledger::TokenId token, std::string_view id, const http::message::RequestHead& head);

  bool by_id() const { return !target.empty(); }
  UpstreamCall call() const;
  // The ledger's answer: why there is no such response for that token, if there is none.
  std::optional<dialect::Refusal> take(ledger::QueryOp answer, const std::string& token_name);

  ledger::StoredResponseQuery query;  // what is asked of the ledger, and then what it answered
  std::string method, target;
};

// A request for a stored response, by its path. A refusal: the path has no such method.
dialect::RefusalOr<std::unique_ptr<Stored>> read_stored_call(ledger::TokenId token,
                                                             const http::message::RequestHead& head);
// Whether it asks for the response as a stream (a parameter stream=true).
bool asks_for_stream(const http::message::RequestHead& head);

// Where it is known, but its channel is not to be reached, or (echo) keeps none. Names the token.
dialect::Refusal unreachable_response(const Stored& stored, const std::string& token);

}  // namespace cr::relay::request
