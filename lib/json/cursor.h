// SPDX-License-Identifier: MIT
// JsonCursor: walks one JSON text forward, strictly by RFC 8259, where it lies: no copy, no tree, no allocation, and
// every value's place is known. Whoever walks to finish() has validated all of it but its UTF-8. One text each; one
// thread; the text must outlive it.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace cr::json {

enum class JsonKind { none, object, array, string, number, boolean, null };
enum class JsonFault { none, syntax, too_deep, lone_surrogate };

struct JsonString {
  std::string_view raw;        // between the quotes
  std::size_t text_bytes = 0;  // once unescaped, in UTF-8
  bool escaped() const { return text_bytes != raw.size(); }
};
// `text` as the string means it; its escapes are known to be good.
std::string unescape(const JsonString& text);
bool equals(const JsonString& text, std::string_view plain);

class JsonCursor {
 public:
  static constexpr int k_depth_max = 64;
  explicit JsonCursor(std::string_view text) : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}
  template <std::same_as<std::string> Text>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): of a std::string alone
  explicit JsonCursor(Text&&) = delete;  // it would die before the walk

  // The first fault stays; after it every call fails.
  JsonFault fault() const { return fault_; }
  std::size_t fault_offset() const { return fault_offset_; }
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

  // The value that comes next, by its first byte; leaves the cursor on it. None = fault.
  JsonKind kind();

  // Enters an object or array; then next_member or next_element until false, each followed by one call that takes the
  // value.
  bool begin_object();
  bool next_member(JsonString& key);
  bool begin_array();
  bool next_element();

  bool read_string(JsonString& text);
  bool read_boolean(bool& value);
  // The value's exact bytes; any kind.
  bool read_raw(std::string_view& raw);
  bool skip_value();

  // Nothing but blanks to the end, and no fault on the way.
  bool finish();

 private:
  bool fail(JsonFault fault = JsonFault::syntax);
  void skip_blanks() {
    while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ' && is_blank(*at_)) ++at_;
  }
  static bool is_blank(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
  bool open_container();
  bool close_or_comma(char close);
  bool read_key(JsonString& key);
  bool skip_scalar(JsonKind next);
  bool skip_number();
  bool skip_digits();
  bool skip_word(std::string_view word);
  std::size_t skip_escape();
  std::size_t skip_unicode_escape();

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  bool fresh_ = false;  // just behind an opening bracket: a comma may not come
  JsonFault fault_ = JsonFault::none;
  std::size_t fault_offset_ = 0;
};

}  // namespace cr::json
