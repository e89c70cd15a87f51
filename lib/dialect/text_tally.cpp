// SPDX-License-Identifier: MIT
#include "dialect/text_tally.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cr::dialect {
namespace {

constexpr std::array<std::string_view, 10> k_text_keys = {
    "content", "text",     "reasoning_content", "reasoning", "arguments",
    "refusal", "thinking", "partial_json",      "name",      "delta",
};
// Say again what another key says, or are no words of the model.
constexpr std::array<std::string_view, 4> k_skipped_keys = {"logprobs", "reasoning_details", "annotations", "audio"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

bool tally_member(json::JsonCursor& cursor, std::string_view key, TextTally& tally) {
  switch (cursor.kind()) {
    case json::JsonKind::string: {
      json::JsonString text;
      if (!cursor.read_string(text)) return false;
      if (holds(k_text_keys, key)) tally.add(text.text_bytes);
      return true;
    }
    case json::JsonKind::object:
      if (key == "input") {  // a tool call's arguments at Anthropic; {} opens one whose arguments follow
        std::string_view raw;
        if (!cursor.read_raw(raw)) return false;
        tally.add(raw == "{}" ? 0 : raw.size());
        return true;
      }
      [[fallthrough]];
    case json::JsonKind::array:
      return holds(k_skipped_keys, key) ? cursor.skip_value() : tally_text(cursor, tally);
    default:
      return cursor.skip_value();
  }
}

bool tally_text(json::JsonCursor& cursor, TextTally& tally) {
  if (cursor.kind() == json::JsonKind::object) {
    if (!cursor.begin_object()) return false;
    json::JsonString key;
    while (cursor.next_member(key)) {
      if (!tally_member(cursor, key.raw, tally)) return false;
    }
    return cursor.fault() == json::JsonFault::none;
  }
  if (cursor.kind() != json::JsonKind::array) return cursor.skip_value();
  if (!cursor.begin_array()) return false;
  while (cursor.next_element()) {
    const json::JsonKind kind = cursor.kind();
    const bool nested = kind == json::JsonKind::object || kind == json::JsonKind::array;
    if (!(nested ? tally_text(cursor, tally) : cursor.skip_value())) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

}  // namespace cr::dialect
