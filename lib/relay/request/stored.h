// SPDX-License-Identifier: MIT
// Stored: the response that a request asks for, or goes on from, and where it is. Worker thread; lives in its Exchange.
#pragma once

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

  ledger::LookOp look;  // what is asked of the ledger, and then what it answered
  std::string method, target;
};

// Where it is known, but its channel is not to be reached, or (echo) keeps none. Names the token.
dialect::Refusal unreachable_response(const Stored& stored, const std::string& token);

}  // namespace cr::relay::request
