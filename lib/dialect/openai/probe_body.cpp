// SPDX-License-Identifier: MIT
#include "dialect/openai/probe_body.h"

#include "json/text.h"

namespace cr::dialect::openai {

std::string probe_body(std::string_view model, std::string_view bound_field) {
  std::string body = R"({"model":)";
  json::append_json_string(body, model);
  body += R"(,"messages":[{"role":"user","content":"ping"}])";
  if (!bound_field.empty()) {
    body += ',';
    json::append_json_string(body, bound_field);
    body += ":16";
  }
  return body += '}';
}

}  // namespace cr::dialect::openai
