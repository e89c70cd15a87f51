// SPDX-License-Identifier: MIT
// What to say of a path that nothing answers: mostly a base URL with one /v1 too many or too few. Pure; any thread.
#pragma once

#include <string_view>

#include "dialect/endpoint.h"
#include "dialect/refusal.h"

namespace cr::relay::request {

struct WrongPath {
  dialect::Refusal refusal;                             // 404 unknown_endpoint
  dialect::Dialect dialect = dialect::Dialect::openai;  // of the endpoint that was meant
};

// Of a path that neither find_endpoint() nor find_own_answer() knows. `host` is the Host field, as the parser let it
// through; it is named in the base URL to set. Nothing else of the request is repeated.
WrongPath explain_wrong_path(std::string_view path, std::string_view host);

}  // namespace cr::relay::request
