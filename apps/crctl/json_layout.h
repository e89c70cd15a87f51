// SPDX-License-Identifier: MIT
// JSON text laid out anew and cut into values, without a tree of it: a list may have a million objects. For texts that
// are JSON; of another one comes some text or nothing. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cr::crctl {

// A member or item a line, two blanks a level; all but the first line `depth` levels further in.
std::string laid_out(std::string_view json, int depth);
std::string without_blanks(std::string_view json);

// Goes through the values of a text from the front; what it gives are parts of the text.
class JsonCutter {
 public:
  explicit JsonCutter(std::string_view json) : left_(json) {}
  bool enter(char bracket);                      // into the object or list that comes next
  bool enter_member(std::string_view name);      // up to the value of that member of the object that comes next
  std::optional<std::string_view> next_value();  // of the list or object that was entered; none at its end

 private:
  void skip_blanks();
  std::string_view left_;
};

}  // namespace cr::crctl
