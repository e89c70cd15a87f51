// SPDX-License-Identifier: MIT
#include "dialect/content_walk.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "dialect/policy_key.h"

namespace cr::dialect {
namespace {

// Parts and items whose input is their text in the body. Whatever is not here counts as unbounded: a kind invented
// tomorrow must not slip under the ceiling.
constexpr std::array<std::string_view, 59> k_text_types = {
    "text",
    "input_text",
    "output_text",
    "refusal",
    "message",
    "agent_message",
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
    "computer_call",
    "computer_call_output",
    "web_search_call",
    "additional_tools",
    "tool_reference",
    "tool_search_call",
    "tool_search_output",
    "compaction",
    "compaction_summary",
    "compaction_trigger",
    "context_compaction",
    "configuration_update",
    "encrypted_content",
    "reasoning",
    "reasoning_text",
    "summary_text",
    "thinking",
    "redacted_thinking",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_use",
    "tool_result",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "web_search_result",
    "web_search_tool_result_error",
    "web_fetch_tool_result",
    "web_fetch_result",
    "tool_search_tool_result",
    "tool_search_tool_search_result",
    "code_execution_tool_result",
    "code_execution_result",
    "bash_code_execution_tool_result",
    "bash_code_execution_result",
    "text_editor_code_execution_tool_result",
    "text_editor_code_execution_view_result",
    "text_editor_code_execution_create_result",
    "text_editor_code_execution_str_replace_result",
    "mcp_tool_use",
    "mcp_tool_result",
};
constexpr std::array<std::string_view, 5> k_image_types = {"image_url", "input_image", "image", "computer_screenshot",
                                                           "image_generation_call"};
constexpr std::array<std::string_view, 3> k_image_keys = {"image_url", "image", "file_id"};
constexpr std::string_view k_sound_type = "input_audio";
constexpr std::size_t k_tool_type_max = 64;

constexpr std::array<std::string_view, 18> k_media_keys = {
    "image_url", "image",     "images",    "input_image", "input_audio",  "audio",
    "audio_url", "video",     "video_url", "input_video", "file",         "file_id",
    "file_url",  "file_data", "file_ids",  "input_file",  "document_url", "previous_response_id",
};

// Tools that run at the client; the dated ones of Anthropic by their beginning.
constexpr std::array<std::string_view, 11> k_client_tools = {
    "function", "custom",      "local_shell", "shell", "apply_patch", "namespace", "computer", "computer_use_preview",
    "bash",     "text_editor", "tool_search"};
constexpr std::array<std::string_view, 6> k_client_tool_prefixes = {"bash_",   "text_editor_", "computer_",
                                                                    "memory_", "tool_search_", "computer_use_"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct Part {
  bool unbounded = false;
  bool image = false, sound = false;  // by its type
  bool made_image = false;            // an image_generation_call
  std::int64_t image_member_bytes = 0, sound_member_bytes = 0, source_bytes = 0;
  std::int64_t result_bytes = 0;  // of an image_generation_call the picture that was made; of others text
  bool foreign_source = false;    // a source that is no text
  bool reasoning = false;         // bounded only if its content is here; by id alone, the provider looks it up
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
  } else if (!type.escaped() && holds(k_image_types, type.raw)) {
    part.image = true;
    part.made_image = json::equals(type, "image_generation_call");
  } else if (json::equals(type, k_sound_type)) {
    part.sound = true;
  } else if (type.escaped() || !holds(k_text_types, type.raw)) {
    part.unbounded = true;
  }
  return true;
}

bool read_result(json::JsonCursor& cursor, Part& part) {
  const auto from = cursor.offset();
  if (!cursor.skip_value()) return false;
  part.result_bytes += static_cast<std::int64_t>(cursor.offset() - from);
  return true;
}

// Of a document only a text is bounded; a picture is one whatever its source.
bool read_source(json::JsonCursor& cursor, Part& part) {
  const auto from = cursor.offset();
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
      part.foreign_source = true;
    }
  }
  part.source_bytes = static_cast<std::int64_t>(cursor.offset() - from);
  return cursor.fault() == json::JsonFault::none;
}

// A member that has media: where it is of the part's own kind, its bytes are no text.
bool read_media(json::JsonCursor& cursor, std::string_view key, Part& part) {
  if (cursor.kind() == json::JsonKind::null) return cursor.skip_value();
  const auto from = cursor.offset();
  if (!cursor.skip_value()) return false;
  const auto bytes = static_cast<std::int64_t>(cursor.offset() - from);
  if (holds(k_image_keys, key)) {
    part.image_member_bytes += bytes;
  } else if (key == k_sound_type) {
    part.sound_member_bytes += bytes;
  } else {
    part.unbounded = true;
  }
  return true;
}

bool read_part_member(json::JsonCursor& cursor, std::string_view key, Part& part, ContentFacts& facts) {
  if (key == "role" || key == "text") return cursor.skip_value();
  if (key == "type") return read_type(cursor, part);
  if (key == "content" || key == "output") return walk_nested(cursor, facts);
  if (key == "source") return read_source(cursor, part);
  if (key == "cache_control") return walk_cache_control(cursor, facts);
  if (key == "tools") return walk_tools(cursor, facts);
  if (holds(k_media_keys, key)) return read_media(cursor, key, part);
  if (key == "result") return read_result(cursor, part);
  if (key == "encrypted_content") part.has_reasoning |= cursor.kind() == json::JsonKind::string;
  return cursor.skip_value();
}

// A picture or sound counts by itself; the same members in another kind of part have no known bound.
void count_media(const Part& part, ContentFacts& facts) {
  if (part.image) {
    ++facts.images;
    facts.image_bytes += part.image_member_bytes + part.source_bytes + (part.made_image ? part.result_bytes : 0);
    facts.unbounded |= part.sound_member_bytes > 0;
    return;
  }
  if (part.sound) {
    ++facts.sounds;
    facts.sound_bytes += part.sound_member_bytes;
    facts.unbounded |= part.image_member_bytes > 0 || part.source_bytes > 0;
    return;
  }
  facts.unbounded |= part.image_member_bytes > 0 || part.sound_member_bytes > 0 || part.foreign_source;
}

bool walk_part(json::JsonCursor& cursor, ContentFacts& facts) {
  if (!cursor.begin_object()) return false;
  Part part;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    if (!read_part_member(cursor, fold_key(key, room), part, facts)) return false;
  }
  count_media(part, facts);
  facts.unbounded |=
      part.unbounded || (part.reasoning && !part.has_reasoning) || (part.document && !part.has_text_source);
  return cursor.fault() == json::JsonFault::none;
}

bool runs_at_client(std::string_view type) {
  return holds(k_client_tools, type) ||
         std::any_of(k_client_tool_prefixes.begin(), k_client_tool_prefixes.end(),
                     [type](std::string_view prefix) { return type.starts_with(prefix); });
}

bool read_type_text(json::JsonCursor& cursor, std::string& text) {
  json::JsonString type;
  if (!cursor.read_string(type)) return false;
  if (type.text_bytes <= k_tool_type_max) text = json::unescape(type);
  return true;
}

bool read_max_uses(json::JsonCursor& cursor, std::optional<std::int64_t>& most) {
  std::string_view raw;
  if (!cursor.read_raw(raw)) return false;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error == std::errc() && end == raw.data() + raw.size() && value >= 0) most = value;
  return true;
}

// One without a type is a function's (Anthropic's are so).
bool walk_tool(json::JsonCursor& cursor, ContentFacts& facts) {
  if (!cursor.begin_object()) return false;
  ProviderTool tool;
  bool runs_here = true;
  json::JsonString key;
  FoldRoom room;
  while (cursor.next_member(key)) {
    const std::string_view folded = fold_key(key, room);
    bool read = false;
    if (folded == "cache_control") {
      read = walk_cache_control(cursor, facts);
    } else if (folded == "type" && cursor.kind() == json::JsonKind::string) {
      read = read_type_text(cursor, tool.type);
      runs_here = runs_at_client(tool.type);
    } else if (folded == "max_uses") {
      read = read_max_uses(cursor, tool.max_uses);
    } else if (folded == "tools") {  // of a namespace
      read = walk_tools(cursor, facts);
    } else {
      read = cursor.skip_value();
    }
    if (!read) return false;
  }
  if (!runs_here) facts.tools.push_back(std::move(tool));
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
