// SPDX-License-Identifier: MIT
#include "base/log_format.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "base/utf8.h"

namespace cr::base {
namespace {

// Every line with its milliseconds: lines of one width sort and compare by eye.
std::string time_text(Time time) {
  const std::string seconds = format_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
  const auto ms = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms));
  return seconds.substr(0, seconds.size() - 1) + fraction;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"\\=") != std::string_view::npos;
}

void append_value(std::string& out, std::string_view value) {
  std::string doubled;  // so that a backslash of the value is not taken for one of ours
  for (const char c : value) doubled.append(c == '\\' ? 2 : 1, c);
  const std::string safe = escape_for_terminal(doubled);
  if (!needs_quotes(safe)) {
    out += safe;
    return;
  }
  out += '"';
  for (const char c : safe) {
    if (c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

void append_message_and_fields(std::string& out, const LogEvent& event) {
  out += escape_for_terminal(event.message);
  for (const LogField& field : event.fields) {
    out += ' ';
    out += escape_for_terminal(field.name);
    out += '=';
    append_value(out, field.value);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    if (!point.valid) {
      out += "\\ufffd";
    } else if (point.value == '"' || point.value == '\\') {
      out += '\\';
      out += text[i];
    } else if (!is_unsafe_to_show(point.value)) {
      out.append(text, i, point.size);
    } else if (point.value <= 0xFFFF) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(point.value));
      out += escaped;
    } else {
      const auto rest = static_cast<unsigned>(point.value) - 0x10000u;  // a surrogate pair (RFC 8259 section 7)
      char escaped[16];
      std::snprintf(escaped, sizeof escaped, "\\u%04x\\u%04x", 0xD800u + (rest >> 10), 0xDC00u + (rest & 0x3FFu));
      out += escaped;
    }
    i += point.size;
  }
  out += '"';
}

// syslog(3) severities.
int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
  }
  return 3;
}

// The journal takes A-Z, 0-9 and _ in a field's name and throws away the whole event otherwise.
std::string journal_name(std::string_view name) {
  std::string out = "CR_";
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool taken = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += lower ? static_cast<char>(c - 'a' + 'A') : taken ? c : '_';
  }
  return out;
}

}  // namespace

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

std::string format_log_text(const LogEvent& event) {
  std::string out = time_text(event.time);
  out += ' ';
  out += name_of(event.level);
  out += ' ';
  append_message_and_fields(out, event);
  return out;
}

std::string format_log_json(const LogEvent& event) {
  std::string out = R"({"time":")" + time_text(event.time) + R"(","level":")";
  out += name_of(event.level);
  out += R"(","message":)";
  append_json_string(out, event.message);
  for (const LogField& field : event.fields) {
    out += ',';
    append_json_string(out, field.name);
    out += ':';
    append_json_string(out, field.value);
  }
  out += '}';
  return out;
}

std::vector<std::string> format_log_journal(const LogEvent& event) {
  std::vector<std::string> fields;
  fields.reserve(3 + event.fields.size());
  std::string message = "MESSAGE=";
  append_message_and_fields(message, event);
  fields.push_back(std::move(message));
  fields.push_back("PRIORITY=" + std::to_string(priority_of(event.level)));
  fields.emplace_back("SYSLOG_IDENTIFIER=crd");
  for (const LogField& field : event.fields) {
    fields.push_back(journal_name(field.name) + '=' + escape_for_terminal(field.value));
  }
  return fields;
}

}  // namespace cr::base
