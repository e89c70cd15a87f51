// SPDX-License-Identifier: MIT
#include "json/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/utf8.h"

namespace cr::json {
namespace {

// Of ASCII, what cannot stand as it is.
void append_escape(std::string& out, char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const auto is_plain = [](char byte) { return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\'; };
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const auto* const end = std::find_if_not(text.begin() + at, text.end(), is_plain);
    const auto plain = static_cast<std::size_t>(end - text.begin()) - at;
    out += text.substr(at, plain);
    at += plain;
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      append_escape(out, text[at++]);
      continue;
    }
    const base::CodePoint point = base::decode_utf8(text, at);
    out += point.valid ? text.substr(at, point.size) : std::string_view("\xef\xbf\xbd");
    at += point.size;
  }
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

}  // namespace cr::json
