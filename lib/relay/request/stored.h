// SPDX-License-Identifier: MIT
// Stored: the response that a request asks for, or goes on from, and where it is. Worker thread; lives in its Exchange.
#pragma once

#include <string>
#include <string_view>

#include "http/head.h"
#include "ledger/operations.h"
#include "openai/refusal.h"
#include "relay/upstream_request.h"

namespace cr::relay {

struct Stored {
  // What a request goes on from.
  Stored(ledger::TokenId token, std::string_view id);
  // What a request is about, sent on as it came.
  Stored(ledger::TokenId token, std::string_view id, const http::RequestHead& head);

  bool by_id() const { return !target.empty(); }
  UpstreamCall call() const;

  ledger::LookOp look;  // what is asked of the ledger, and then what it answered
  std::string method, target;
};

// Where it is known, but its channel is not to be reached, or (echo) keeps none. Names the token.
openai::Refusal unreachable_response(const Stored& stored, const std::string& token);

}  // namespace cr::relay
