// SPDX-License-Identifier: MIT
#include "dialect/anthropic/probe_body.h"

#include "json/text.h"

namespace cr::dialect::anthropic {

std::string probe_body(std::string_view model, std::string_view) {
  std::string body = R"({"model":)";
  json::append_json_string(body, model);
  body += R"(,"max_tokens":16,"messages":[{"role":"user","content":"ping"}]})";
  return body;
}

}  // namespace cr::dialect::anthropic
