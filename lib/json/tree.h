// SPDX-License-Identifier: MIT
// Json: one parsed JSON text as a plain tree, and JsonWriter, which makes one. Plain values, any thread.
// Stricter than a DOM: a name twice in one object, more levels or names than the limits below and a NUL in a
// text are `invalid`. A tree is many times the size of its text: so the values it may have are bounded beside the
// bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cr::json {

inline constexpr std::size_t k_json_depth_max = 16;
inline constexpr std::size_t k_json_members_max = 4096;  // of one object

struct JsonMember;
struct Json {
  enum class Kind { null, boolean, integer, number, text, list, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Json> items;
  std::vector<JsonMember> members;

  const Json* find(std::string_view name) const;
};
struct JsonMember {
  std::string name;
  Json value;
};

// Never repeats the text in its message: it may hold a key.
base::Result<Json> parse_json(std::string_view text, std::size_t bytes_max,
                              std::size_t values_max = std::numeric_limits<std::size_t>::max());

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_list() { open('['); }
  void end_list() { close(']'); }
  void name(std::string_view name);
  void plain_name(std::string_view name);  // one that needs no escape, as those in our own messages
  void text(std::string_view value);       // invalid UTF-8 becomes U+FFFD
  void integer(std::int64_t value) { scalar(std::to_string(value)); }
  void boolean(bool value) { scalar(value ? "true" : "false"); }
  void null() { scalar("null"); }
  void tree(const Json& value);
  std::string take() { return std::move(out_); }

 private:
  void open(char bracket);
  void close(char bracket);
  void scalar(std::string_view text);
  void separate();
  std::string out_;
  bool first_ = true;
};

}  // namespace cr::json
