// SPDX-License-Identifier: MIT
#include "admin/redact.h"

#include "admin/fields.h"

namespace cr::admin {

namespace {
void redact(Json& json) {
  for (auto& item : json.items) redact(item);
  for (auto& member : json.members) {
    if (member.name == "key" && member.value.kind == Json::Kind::text) {
      member.value.text = "[redacted]";
    } else {
      redact(member.value);
    }
  }
}
}  // namespace

std::string redacted(std::string_view json) {
  auto tree = parse_json(json, k_answer_bytes_max);
  if (!tree) return "(" + std::to_string(json.size()) + " bytes that are not JSON)";
  redact(*tree);
  JsonWriter out;
  out.tree(*tree);
  return out.take();
}

}  // namespace cr::admin
