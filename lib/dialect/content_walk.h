// SPDX-License-Identifier: MIT
// Walks the messages, input items and tools of a body for what the ceiling of its input must know: how many there are,
// and whether any brings input that is not in the body as text. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "dialect/request_scan.h"
#include "json/cursor.h"

namespace cr::dialect {

struct ContentFacts {
  std::int64_t items = 0;  // entries of the outermost array, all its numbers as one (token ids); 1 for a string
  bool unbounded = false;  // files, references, or a kind of part not known to be text, a picture or sound
  std::int64_t images = 0, image_bytes = 0;  // pictures, and what they take of the body
  std::int64_t sounds = 0, sound_bytes = 0;
  std::vector<ProviderTool> tools;  // that the provider runs by itself
  bool long_cache = false;          // a cache_control that asks for more than the usual minutes
};

// Takes the value the cursor is on: `messages`, `input`, `system`, a `prompt`.
bool walk_content(json::JsonCursor& cursor, ContentFacts& facts);

// Takes the value of a `cache_control` (docs.claude.com/en/docs/build-with-claude/prompt-caching).
bool walk_cache_control(json::JsonCursor& cursor, ContentFacts& facts);

// Takes the value of `tools`. Those that run at the client bring nothing that is not in the body; those that the
// provider runs by itself (web search, file search, MCP) add input of their own.
bool walk_tools(json::JsonCursor& cursor, ContentFacts& facts);

}  // namespace cr::dialect
