// SPDX-License-Identifier: MIT
#include "crctl/json_layout.h"

#include <algorithm>

namespace cr::crctl {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The text in quotes that `json` begins with, quotes included; all of it if it has no end.
std::string_view quoted(std::string_view json) {
  for (std::size_t i = 1; i < json.size(); ++i) {
    if (json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      return json.substr(0, i + 1);
    }
  }
  return json;
}

std::size_t blanks_at(std::string_view json) {
  std::size_t count = 0;
  while (count < json.size() && is_blank(json[count])) ++count;
  return count;
}

void begin_line(std::string& out, int depth) {
  out += '\n';
  out.append(2 * static_cast<std::size_t>(std::max(0, depth)), ' ');
}

}  // namespace

std::string laid_out(std::string_view json, int depth) {
  std::string out;
  out.reserve(json.size() + json.size() / 2);
  while (!json.empty()) {
    const char c = json.front();
    std::size_t taken = 1;
    if (c == '"') {
      const auto text = quoted(json);
      taken = text.size();
      out += text;
    } else if (c == '{' || c == '[') {
      out += c;
      taken += blanks_at(json.substr(1));
      const bool empty = taken < json.size() && (json[taken] == '}' || json[taken] == ']');
      if (empty) out += json[taken++];
      if (!empty) begin_line(out, ++depth);
    } else if (c == '}' || c == ']') {
      begin_line(out, --depth);
      out += c;
    } else if (c == ',') {
      out += c;
      begin_line(out, depth);
    } else if (c == ':') {
      out += ": ";
    } else if (!is_blank(c)) {
      out += c;
    }
    json.remove_prefix(taken);
  }
  return out;
}

std::string without_blanks(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const auto text = json.front() == '"' ? quoted(json) : json.substr(0, 1);
    if (!is_blank(text.front())) out += text;
    json.remove_prefix(text.size());
  }
  return out;
}

void JsonCutter::skip_blanks() {
  left_.remove_prefix(blanks_at(left_));
}

bool JsonCutter::enter(char bracket) {
  skip_blanks();
  if (left_.empty() || left_.front() != bracket) return false;
  left_.remove_prefix(1);
  return true;
}

bool JsonCutter::enter_member(std::string_view name) {
  if (!enter('{')) return false;
  while (const auto key = next_value()) {
    skip_blanks();
    if (left_.empty() || left_.front() != ':') return false;
    left_.remove_prefix(1);
    if (key->size() == name.size() + 2 && key->substr(1, name.size()) == name) return true;
    if (!next_value()) return false;
  }
  return false;
}

std::optional<std::string_view> JsonCutter::next_value() {
  skip_blanks();
  if (!left_.empty() && left_.front() == ',') {
    left_.remove_prefix(1);
    skip_blanks();
  }
  std::size_t size = 0;
  int depth = 0;
  for (; size < left_.size(); ++size) {
    const char c = left_[size];
    if (c == '"') {
      size += quoted(left_.substr(size)).size() - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) break;
      if (--depth == 0) {
        ++size;
        break;
      }
    } else if (depth == 0 && (c == ',' || c == ':' || is_blank(c))) {
      break;
    }
  }
  const auto value = left_.substr(0, size);
  left_.remove_prefix(value.size());
  return value.empty() ? std::nullopt : std::optional(value);
}

}  // namespace cr::crctl
