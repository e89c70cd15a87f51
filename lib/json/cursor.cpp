// SPDX-License-Identifier: MIT
#include "json/cursor.h"

#include <array>
#include <cstring>

#include "base/byte_search.h"
#include "base/utf8.h"

namespace cr::json {
namespace {

int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const char lower = static_cast<char>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hex digits at `at`, -1 if they are not.
int hex_quad(const char* at) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
bool is_low_surrogate(int unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

char unescaped_letter(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

constexpr std::array<JsonKind, 256> kinds_by_first_byte() {
  std::array<JsonKind, 256> kinds{};
  kinds['{'] = JsonKind::object;
  kinds['['] = JsonKind::array;
  kinds['"'] = JsonKind::string;
  kinds['t'] = kinds['f'] = JsonKind::boolean;
  kinds['n'] = JsonKind::null;
  kinds['-'] = JsonKind::number;
  for (std::size_t digit = '0'; digit <= '9'; ++digit) kinds[digit] = JsonKind::number;
  return kinds;
}
constexpr std::array<JsonKind, 256> k_kinds = kinds_by_first_byte();

}  // namespace

std::string unescape(const JsonString& text) {
  if (!text.escaped()) return std::string(text.raw);
  std::string out;
  out.reserve(text.text_bytes);
  const std::string_view raw = text.raw;
  for (std::size_t at = 0; at < raw.size();) {
    if (raw[at] != '\\') {
      out.push_back(raw[at++]);
    } else if (raw[at + 1] != 'u') {
      out.push_back(unescaped_letter(raw[at + 1]));
      at += 2;
    } else {
      auto value = static_cast<std::uint32_t>(hex_quad(raw.data() + at + 2));
      at += 6;
      if (is_high_surrogate(static_cast<int>(value))) {
        const auto low = static_cast<std::uint32_t>(hex_quad(raw.data() + at + 2));
        value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
      base::append_utf8(out, value);
    }
  }
  return out;
}

bool equals(const JsonString& text, std::string_view plain) {
  if (text.text_bytes != plain.size()) return false;
  return text.escaped() ? unescape(text) == plain : text.raw == plain;
}

bool JsonCursor::fail(JsonFault fault) {
  if (fault_ == JsonFault::none) {
    fault_ = fault;
    fault_offset_ = offset();
  }
  at_ = end_;  // so that whatever is called next meets the end and fails as well
  return false;
}

JsonKind JsonCursor::kind() {
  skip_blanks();
  const JsonKind kind = at_ == end_ ? JsonKind::none : k_kinds[static_cast<unsigned char>(*at_)];
  if (kind == JsonKind::none) fail();
  return kind;
}

bool JsonCursor::open_container() {
  if (depth_ == k_depth_max) return fail(JsonFault::too_deep);
  ++depth_;
  ++at_;
  fresh_ = true;
  return true;
}

bool JsonCursor::begin_object() {
  return kind() == JsonKind::object ? open_container() : fail();
}

bool JsonCursor::begin_array() {
  return kind() == JsonKind::array ? open_container() : fail();
}

// True: another entry follows. False: the container is closed, or a fault.
bool JsonCursor::close_or_comma(char close) {
  skip_blanks();
  if (at_ == end_) return fail();
  const bool fresh = fresh_;
  fresh_ = false;
  if (*at_ == close) {
    ++at_;
    --depth_;
    return false;
  }
  if (fresh) return true;
  if (*at_ != ',') return fail();
  ++at_;
  return true;
}

bool JsonCursor::next_member(JsonString& key) {
  return close_or_comma('}') && read_key(key);
}

bool JsonCursor::next_element() {
  if (!close_or_comma(']')) return false;
  return kind() != JsonKind::none;
}

bool JsonCursor::read_key(JsonString& key) {
  if (!read_string(key)) return false;
  skip_blanks();
  if (at_ == end_ || *at_ != ':') return fail();
  ++at_;
  return true;
}

bool JsonCursor::read_string(JsonString& text) {
  skip_blanks();
  if (at_ == end_ || *at_ != '"') return fail();
  const char* const begin = ++at_;
  std::size_t saved = 0;
  for (;;) {
    at_ = base::find_byte<base::StringStop>(at_, end_);
    if (at_ == end_) return fail();
    if (*at_ == '"') break;
    if (*at_ != '\\') return fail();
    const std::size_t less = skip_escape();
    if (less == 0) return false;
    saved += less;
  }
  text.raw = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
  text.text_bytes = text.raw.size() - saved;
  ++at_;
  return true;
}

// By how many bytes the escape shrinks once unescaped; 0 = fault.
std::size_t JsonCursor::skip_escape() {
  if (end_ - at_ < 2) return fail(), 0;
  switch (at_[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      at_ += 2;
      return 1;
    case 'u':
      return skip_unicode_escape();
    default:
      return fail(), 0;
  }
}

std::size_t JsonCursor::skip_unicode_escape() {
  const int unit = end_ - at_ < 6 ? -1 : hex_quad(at_ + 2);
  if (unit < 0) return fail(), 0;
  if (is_low_surrogate(unit)) return fail(JsonFault::lone_surrogate), 0;
  if (!is_high_surrogate(unit)) {
    at_ += 6;
    return unit < 0x80 ? 5 : unit < 0x800 ? 4 : 3;
  }
  const bool paired = end_ - at_ >= 12 && at_[6] == '\\' && at_[7] == 'u' && is_low_surrogate(hex_quad(at_ + 8));
  if (!paired) return fail(JsonFault::lone_surrogate), 0;
  at_ += 12;
  return 8;
}

bool JsonCursor::read_boolean(bool& value) {
  if (kind() != JsonKind::boolean) return fail();
  value = *at_ == 't';
  return skip_scalar(JsonKind::boolean);
}

bool JsonCursor::read_raw(std::string_view& raw) {
  skip_blanks();
  const char* const begin = at_;
  if (!skip_value()) return false;
  raw = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
  return true;
}

bool JsonCursor::skip_digits() {
  const char* const begin = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return at_ != begin || fail();
}

bool JsonCursor::skip_number() {
  if (*at_ == '-') ++at_;
  if (at_ == end_) return fail();
  if (*at_ == '0') {
    ++at_;  // a digit behind it is no number: whoever looks for a comma next refuses it
  } else if (!skip_digits()) {
    return false;
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!skip_digits()) return false;
  }
  if (at_ != end_ && (*at_ | 0x20) == 'e') {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!skip_digits()) return false;
  }
  return true;
}

bool JsonCursor::skip_word(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0)
    return fail();
  at_ += word.size();
  return true;
}

bool JsonCursor::skip_scalar(JsonKind next) {
  JsonString ignored;
  switch (next) {
    case JsonKind::string:
      return read_string(ignored);
    case JsonKind::number:
      return skip_number();
    case JsonKind::boolean:
      return skip_word(*at_ == 't' ? "true" : "false");
    case JsonKind::null:
      return skip_word("null");
    default:
      return fail();
  }
}

// Not by recursion: a bit for each open container says whether it is an object, and k_depth_max bits are enough.
bool JsonCursor::skip_value() {
  static_assert(k_depth_max <= 64);
  const int outside = depth_;
  std::uint64_t objects = 0;
  JsonString key;
  do {
    const JsonKind next = kind();
    if (next == JsonKind::object || next == JsonKind::array) {
      if (!open_container()) return false;
      objects = objects << 1 | (next == JsonKind::object ? 1u : 0u);
    } else if (!skip_scalar(next)) {
      return false;
    }
    while (depth_ > outside) {
      const bool in_object = (objects & 1) != 0;
      if (close_or_comma(in_object ? '}' : ']')) {
        if (in_object && !read_key(key)) return false;
        break;
      }
      if (fault_ != JsonFault::none) return false;
      objects >>= 1;
    }
  } while (depth_ > outside);
  return true;
}

bool JsonCursor::finish() {
  skip_blanks();
  if (fault_ == JsonFault::none && at_ != end_) fail();
  return fault_ == JsonFault::none;
}

}  // namespace cr::json
