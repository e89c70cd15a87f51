// SPDX-License-Identifier: MIT
// TextTally: how much text a model has said in an answer, for the estimate when no usage comes. Plain value.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/cursor.h"

namespace cr::dialect {

struct TextTally {
  std::int64_t pieces = 0;
  std::int64_t bytes = 0;

  void add(std::size_t text_bytes) {
    if (text_bytes == 0) return;
    ++pieces;
    bytes += static_cast<std::int64_t>(text_bytes);
  }
};

// Takes the value the cursor is on (choices, a delta, content, output) and tallies the strings in it that are a model's
// words: content, reasoning, refusals, names and arguments of tool calls.
bool tally_text(json::JsonCursor& cursor, TextTally& tally);
// The same of one member of such an object, whose value the cursor is on.
bool tally_member(json::JsonCursor& cursor, std::string_view key, TextTally& tally);

}  // namespace cr::dialect
