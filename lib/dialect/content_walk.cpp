// SPDX-License-Identifier: MIT
#include "dialect/content_walk.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "dialect/policy_key.h"

namespace cr::dialect {
namespace {

// Parts and items whose input is their text in the body. Whatever is not here counts as unbounded: a kind invented
// tomorrow must not slip under the ceiling.
constexpr std::array<std::string_view, 23> k_text_types = {
    "text",
    "input_text",
    "output_text",
    "refusal",
    "message",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "reasoning",
    "reasoning_text",
    "summary_text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "search_result",
};

constexpr std::array<std::string_view, 18> k_media_keys = {
    "image_url", "image",     "images",    "input_image", "input_audio",  "audio",
    "audio_url", "video",     "video_url", "input_video", "file",         "file_id",
    "file_url",  "file_data", "file_ids",  "input_file",  "document_url", "previous_response_id",
};

// Tools that run at the client; the dated ones of Anthropic by their beginning.
constexpr std::array<std::string_view, 5> k_client_tools = {"function", "custom", "local_shell", "shell",
                                                            "apply_patch"};
constexpr std::array<std::string_view, 4> k_client_tool_prefixes = {"bash_", "text_editor_", "computer_", "memory_"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct Part {
  bool unbounded = false;
  bool reasoning = false;  // bounded only if its content is here; by id alone, the provider looks it up
  bool has_reasoning = false;
  bool document = false;  // bounded only with a source of text
  bool has_text_source = false;
};

bool walk_part(json::JsonCursor& cursor, ContentFacts& facts);

bool walk_nested(json::JsonCursor& cursor, ContentFacts& facts) {
  switch (cursor.kind()) {
    case json::JsonKind::object:
      return walk_part(cursor, facts);
    case json::JsonKind::array:
      if (!cursor.begin_array()) return false;
      while (cursor.next_element()) {
        if (!(cursor.kind() == json::JsonKind::object ? walk_part(cursor, facts) : cursor.skip_value())) return false;
      }
      return cursor.fault() == json::JsonFault::none;
    default:
      return cursor.skip_value();
  }
}

bool read_type(json::JsonCursor& cursor, Part& part) {
  if (cursor.kind() != json::JsonKind::string) {
    part.unbounded = true;
    return cursor.skip_value();
  }
  json::JsonString type;
  if (!cursor.read_string(type)) return false;
  if (json::equals(type, "reasoning")) part.reasoning = true;
  if (json::equals(type, "document")) {
    part.document = true;
  } else if (type.escaped() || !holds(k_text_types, type.raw)) {
    part.unbounded = true;
  }
  return true;
}

bool read_source(json::JsonCursor& cursor, Part& part) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    if (fold_key(key, room) != "type" || cursor.kind() != json::JsonKind::string) {
      if (!cursor.skip_value()) return false;
      continue;
    }
    json::JsonString type;
    if (!cursor.read_string(type)) return false;
    if (json::equals(type, "text")) {
      part.has_text_source = true;
    } else {
      part.unbounded = true;
    }
  }
  return cursor.fault() == json::JsonFault::none;
}

bool read_part_member(json::JsonCursor& cursor, std::string_view key, Part& part, ContentFacts& facts) {
  if (key == "role" || key == "text") return cursor.skip_value();
  if (key == "type") return read_type(cursor, part);
  if (key == "content" || key == "output") return walk_nested(cursor, facts);
  if (key == "source") return read_source(cursor, part);
  if (key == "cache_control") return walk_cache_control(cursor, facts);
  if (key == "encrypted_content") {
    part.has_reasoning |= cursor.kind() == json::JsonKind::string;
  } else if (holds(k_media_keys, key)) {
    part.unbounded |= cursor.kind() != json::JsonKind::null;
  }
  return cursor.skip_value();
}

bool walk_part(json::JsonCursor& cursor, ContentFacts& facts) {
  if (!cursor.begin_object()) return false;
  Part part;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    if (!read_part_member(cursor, fold_key(key, room), part, facts)) return false;
  }
  facts.unbounded |=
      part.unbounded || (part.reasoning && !part.has_reasoning) || (part.document && !part.has_text_source);
  return cursor.fault() == json::JsonFault::none;
}

bool runs_at_client(const json::JsonString& type) {
  if (type.escaped()) return false;
  return holds(k_client_tools, type.raw) ||
         std::any_of(k_client_tool_prefixes.begin(), k_client_tool_prefixes.end(),
                     [&type](std::string_view prefix) { return type.raw.starts_with(prefix); });
}

bool walk_tool(json::JsonCursor& cursor, ContentFacts& facts) {
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    const std::string_view folded = fold_key(key, room);
    if (folded == "cache_control") {
      if (!walk_cache_control(cursor, facts)) return false;
      continue;
    }
    const bool typed = folded == "type" && cursor.kind() == json::JsonKind::string;
    json::JsonString type;
    if (!(typed ? cursor.read_string(type) : cursor.skip_value())) return false;
    if (typed && !runs_at_client(type)) facts.unbounded = true;
  }
  return cursor.fault() == json::JsonFault::none;
}

}  // namespace

bool walk_cache_control(json::JsonCursor& cursor, ContentFacts& facts) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    if (fold_key(key, room) != "ttl" || cursor.kind() != json::JsonKind::string) {
      if (!cursor.skip_value()) return false;
      continue;
    }
    json::JsonString ttl;
    if (!cursor.read_string(ttl)) return false;
    facts.long_cache |= !json::equals(ttl, "5m");
  }
  return cursor.fault() == json::JsonFault::none;
}

bool walk_content(json::JsonCursor& cursor, ContentFacts& facts) {
  if (cursor.kind() != json::JsonKind::array) {
    facts.items = cursor.kind() == json::JsonKind::null ? 0 : 1;
    return walk_nested(cursor, facts);
  }
  if (!cursor.begin_array()) return false;
  bool token_ids = false;
  while (cursor.next_element()) {
    const json::JsonKind kind = cursor.kind();
    if (kind == json::JsonKind::number) {
      token_ids = true;
    } else {
      ++facts.items;
    }
    if (!(kind == json::JsonKind::object ? walk_part(cursor, facts) : cursor.skip_value())) return false;
  }
  if (token_ids) ++facts.items;
  return cursor.fault() == json::JsonFault::none;
}

bool walk_tools(json::JsonCursor& cursor, ContentFacts& facts) {
  if (cursor.kind() != json::JsonKind::array) return cursor.skip_value();
  if (!cursor.begin_array()) return false;
  while (cursor.next_element()) {
    if (!(cursor.kind() == json::JsonKind::object ? walk_tool(cursor, facts) : cursor.skip_value())) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

}  // namespace cr::dialect
