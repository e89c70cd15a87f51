// SPDX-License-Identifier: MIT
// The members and elements of JSON values of which a few are wanted. Pure; any thread.
#pragma once

#include <string_view>

#include "json/cursor.h"

namespace cr::dialect {

// Takes the value the cursor is on: of an object every member by `take(key)`, which takes the member's value and is
// false on a fault; any other value is skipped.
template <class Take>
bool walk_members(json::JsonCursor& cursor, const Take& take) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    if (!take(key.raw)) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

// Likewise of an array, every element by `take()`.
template <class Take>
bool walk_elements(json::JsonCursor& cursor, const Take& take) {
  if (cursor.kind() != json::JsonKind::array) return cursor.skip_value();
  if (!cursor.begin_array()) return false;
  while (cursor.next_element()) {
    if (!take()) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

}  // namespace cr::dialect
