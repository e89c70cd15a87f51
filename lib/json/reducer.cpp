// SPDX-License-Identifier: MIT
#include "json/reducer.h"

#include <algorithm>

#include "base/byte_search.h"

namespace cr::json {
namespace {

// Of which everything is read, wherever they are.
constexpr std::array<std::string_view, 5> k_read = {"usage", "error", "meta", "x_groq", "action"};
// Of which lists the elements are looked into, and the members that are read of objects.
constexpr std::array<std::string_view, 5> k_lists = {"choices", "output", "iterations", "data", "content"};
constexpr std::array<std::string_view, 16> k_members = {
    "id",  "object", "type",    "model",    "service_tier", "status", "container_id",  "code",
    "msg", "index",  "seconds", "response", "message",      "item",   "finish_reason", "duration"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool is_scalar_end(char byte) {
  return byte == ',' || byte == '}' || byte == ']' || byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

bool is_high_surrogate(std::string_view unit) {
  return unit.size() == 4 && (unit[0] | 0x20) == 'd' &&
         (unit[1] == '8' || unit[1] == '9' || (unit[1] | 0x20) == 'a' || (unit[1] | 0x20) == 'b');
}

}  // namespace

void Reducer::push(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    switch (part_) {
      case Part::structure:
        take_structure(*at++);
        break;
      case Part::key:
        at = take_key(at, end);
        break;
      case Part::string:
        at = take_string(at, end);
        break;
      case Part::scalar:
        if (is_scalar_end(*at)) {
          part_ = Part::structure;
        } else {
          if (writing_ && written_++ < k_string_max) out_.push_back(*at);
          ++at;
        }
        break;
    }
  }
}

void Reducer::take_structure(char byte) {
  switch (byte) {
    case ' ':
    case '\n':
    case '\r':
    case '\t':
    case ':':
      return;
    case '{':
    case '[':
      return open(byte);
    case '}':
    case ']':
      return close(byte);
    case ',':
      at_key_ = level() != nullptr && level()->object;
      return;
    case '"':
      if (at_key_) {
        part_ = Part::key;
        key_.clear();
        return;
      }
      part_ = Part::string;
      writing_ = begin_value(false);
      if (writing_) out_.push_back('"');
      written_ = 0;
      return;
    default:
      part_ = Part::scalar;
      writing_ = begin_value(false);
      written_ = 1;
      if (writing_) out_.push_back(byte);
      return;
  }
}

void Reducer::open(char byte) {
  const bool kept = !is_left_out() && depth_ < k_depth_max && begin_value(true);
  const Level* const in = level();
  const bool in_read = in != nullptr && in->read;
  const auto name = in != nullptr && in->object ? std::string_view(key_) : std::string_view();
  ++depth_;
  if (!kept && !is_left_out()) skipped_from_ = depth_;
  at_key_ = byte == '{';
  if (depth_ > k_depth_max) return;
  Level& own = levels_[depth_ - 1];
  own = {};
  own.object = byte == '{';
  if (!kept) return;
  own.read = in_read || holds(k_read, name);
  own.list_read = !own.object && (own.read || holds(k_lists, name));
  out_.push_back(byte);
}

void Reducer::close(char byte) {
  if (depth_ == 0) return;
  if (is_left_out()) {
    if (depth_ == skipped_from_) skipped_from_ = 0;
  } else {
    out_.push_back(byte);
  }
  --depth_;
  at_key_ = false;
}

// Keys are not shortened: one that is too long names nothing that is read.
const char* Reducer::take_key(const char* at, const char* end) {
  if (escape_ != 0) {
    escape_ = 0;
    if (key_.size() < k_key_max) key_.push_back(*at);
    return at + 1;
  }
  const char* const stop = base::find_byte<base::StringStop>(at, end);
  const auto size = static_cast<std::size_t>(stop - at);
  key_.append(at, std::min(size, k_key_max - std::min(k_key_max, key_.size())));
  if (stop == end) return end;
  if (*stop == '\\') {
    escape_ = -1;
    key_ = "\x01";  // no plain key: it stands for one that is not read
  } else if (*stop == '"') {
    part_ = Part::structure;
    at_key_ = false;
    if (key_.starts_with('\x01') || key_.size() >= k_key_max) key_ = "_";
  }
  return stop + 1;
}

const char* Reducer::take_string(const char* at, const char* end) {
  if (escape_ != 0) {
    take_escape(*at);
    return at + 1;
  }
  const char* const stop = base::find_byte<base::StringStop>(at, end);
  const auto size = static_cast<std::size_t>(stop - at);
  const auto room = writing_ && written_ < k_string_max ? k_string_max - written_ : 0;
  const auto kept = high_ ? 0 : std::min(size, room);
  out_.append(at, kept);
  written_ += kept;
  left_out_ += size - kept;
  if (kept < size) written_ = std::max(written_, k_string_max);
  if (stop == end) return end;
  if (*stop == '"') {
    if (writing_) out_.push_back('"');
    part_ = Part::structure;
    high_ = false;
  } else if (*stop == '\\') {
    escape_ = -1;
    escape_written_ = writing_ && (written_ < k_string_max || high_);
    if (escape_written_) out_.push_back('\\');
  } else {
    // A control byte, which no string may have: kept, so that whoever reads it sees the fault.
    if (writing_) out_.push_back(*stop);
  }
  return stop + 1;
}

void Reducer::take_escape(char byte) {
  if (escape_written_) out_.push_back(byte);
  if (!escape_written_) ++left_out_;
  if (escape_ == -1) {
    escape_ = byte == 'u' ? 4 : 0;
    unit_.clear();
    if (escape_written_) written_ += 2;
    if (escape_ == 0) high_ = false;
    return;
  }
  unit_.push_back(byte);
  if (--escape_ > 0) return;
  high_ = escape_written_ && !high_ && is_high_surrogate(unit_);
  if (escape_written_) written_ += 4;
}

// A comma and the key, as far as they belong before what is written now.
void Reducer::write_prefix() {
  Level* const in = level();
  if (in == nullptr) return;
  if (in->emitted++ > 0) out_.push_back(',');
  if (in->object) out_.append("\"").append(key_).append("\":");
}

bool Reducer::begin_value(bool container) {
  if (is_left_out()) return false;
  Level* const in = level();
  if (in == nullptr) return true;
  ++in->elements;
  const bool wanted = in->read || (in->object && holds(k_read, key_));
  if (out_.size() >= k_bytes_max + (wanted ? k_full_bytes : 0)) return false;
  if (!in->object && !container && in->elements > k_scalars_max && !in->read) return false;
  if (!in->object && in->elements > k_elements_max) return false;
  write_prefix();
  if (wanted || out_.size() < k_full_bytes) return true;
  const bool read = in->object ? holds(k_lists, key_) || holds(k_members, key_) : in->list_read;
  if (!read) out_.append("null");
  return read;
}

}  // namespace cr::json
