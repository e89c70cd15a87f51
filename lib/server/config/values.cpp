// SPDX-License-Identifier: MIT
#include "server/config/values.h"

#include <array>
#include <charconv>

#include "base/address.h"
#include "base/text.h"

namespace cr::server::config {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array<Unit, 4> k_units{{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

tl::unexpected<base::Error> expected(std::string what, std::string hint = {}) {
  return fail(ErrorCode::invalid, "expected " + std::move(what), std::move(hint));
}

std::optional<std::int64_t> whole_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> bytes_of(std::string_view text) {
  for (const auto& unit : k_units) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = whole_of(text.substr(0, text.size() - unit.name.size()));
    std::int64_t bytes = 0;
    if (!number || __builtin_mul_overflow(*number, unit.bytes, &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

bool is_plain(std::string_view text) {
  return base::escape_for_terminal(text) == text;
}

}  // namespace

Result<std::int64_t> read_whole(const ConfigValue& value, Between range) {
  if (value.kind != ConfigValue::Kind::whole || value.whole < range.low || value.whole > range.high) {
    return expected("a whole number from " + std::to_string(range.low) + " to " + std::to_string(range.high));
  }
  return value.whole;
}

Result<std::int64_t> read_bytes(const ConfigValue& value, Between range) {
  std::optional<std::int64_t> bytes;
  if (value.kind == ConfigValue::Kind::whole) bytes = value.whole;
  if (value.kind == ConfigValue::Kind::text) bytes = bytes_of(value.text);
  if (!bytes || *bytes < range.low || *bytes > range.high) {
    return expected("a size from " + show_bytes(range.low) + " to " + show_bytes(range.high),
                    "a number of bytes, or a text such as \"64KiB\" or \"16MiB\"");
  }
  return *bytes;
}

Result<std::chrono::milliseconds> read_duration(const ConfigValue& value, Between range_ms) {
  if (value.kind != ConfigValue::Kind::text) return expected("a duration", "a text such as \"30s\" or \"5m\"");
  auto duration = base::parse_duration(value.text);
  if (!duration) return duration;
  if (duration->count() < range_ms.low || duration->count() > range_ms.high) {
    return expected("a duration from " + base::format_duration(std::chrono::milliseconds(range_ms.low)) + " to " +
                    base::format_duration(std::chrono::milliseconds(range_ms.high)));
  }
  return duration;
}

Result<std::string> read_text(const ConfigValue& value) {
  if (value.kind != ConfigValue::Kind::text) return expected("a text in quotes");
  if (!is_plain(value.text)) return expected("a text without control characters");
  return value.text;
}

Result<std::string> read_path(const ConfigValue& value) {
  auto path = read_text(value);
  if (!path) return path;
  if (!path->starts_with('/')) return expected("an absolute path", "it begins with /");
  return path;
}

Result<std::vector<std::string>> read_texts(const ConfigValue& value) {
  if (value.kind != ConfigValue::Kind::list) return expected("a list of texts", "for example [\"one\", \"two\"]");
  for (const auto& text : value.list) {
    if (!is_plain(text)) return expected("texts without control characters");
  }
  return value.list;
}

Result<ListenAddress> read_address(std::string_view text) {
  constexpr std::string_view k_hint = "for example \"127.0.0.1:8787\", \"0.0.0.0:8787\" or \"[::1]:8787\"";
  const auto refuse = [&] {
    return expected("an address and a port, not '" + base::escape_for_terminal(text.substr(0, 80)) + "'",
                    std::string(k_hint));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = base::IpAddress::parse(host);
  const bool is_v6_text = host.find(':') != std::string_view::npos;
  const auto port = whole_of(text.substr(colon + 1));
  if (!address || is_v6_text != bracketed || !port || *port < 0 || *port > 65'535) return refuse();
  return ListenAddress{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string show_bytes(std::int64_t bytes) {
  for (const auto& unit : k_units) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0)
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
  }
  return std::to_string(bytes) + "B";
}

std::string show_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string show_texts(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ", ") + show_text(text);
  return "[" + out + "]";
}

}  // namespace cr::server::config
