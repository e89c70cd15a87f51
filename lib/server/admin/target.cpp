// SPDX-License-Identifier: MIT
#include "server/admin/target.h"

#include "base/text.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::string_view k_root = "/admin/v1";
constexpr std::size_t k_parameters_max = 64;

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { is_plus, is_blank };

Result<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const int high = at + 2 < text.size() ? hex_of(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_of(text[at + 2]) : -1;
      if (high < 0 || low < 0) return fail(ErrorCode::invalid, "the address has a broken escape (%)");
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (c == '+' && plus == Plus::is_blank) {
      c = ' ';
    }
    out += c;
  }
  if (base::escape_for_terminal(out) != out) {
    return fail(ErrorCode::invalid, "the address has a control character or is not UTF-8");
  }
  return out;
}

Result<std::multimap<std::string, std::string>> parse_query(std::string_view text) {
  std::multimap<std::string, std::string> query;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), Plus::is_blank);
    auto value =
        equals == std::string_view::npos ? Result<std::string>("") : decode(pair.substr(equals + 1), Plus::is_blank);
    if (!name) return tl::unexpected(name.error());
    if (!value) return tl::unexpected(value.error());
    if (query.size() == k_parameters_max) return fail(ErrorCode::invalid, "the address has too many parameters");
    query.emplace(std::move(*name), std::move(*value));
  }
  return query;
}

Result<std::vector<std::string>> parse_segments(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto raw = path.substr(0, path.find('/'));
    path.remove_prefix(raw.size());
    if (raw.empty()) return fail(ErrorCode::invalid, "the address has an empty part (//, or / at its end)");
    auto segment = decode(raw, Plus::is_plus);
    if (!segment) return tl::unexpected(segment.error());
    segments.push_back(std::move(*segment));
  }
  return segments;
}

}  // namespace

Result<AdminTarget> parse_target(std::string_view target) {
  const auto question = target.find('?');
  const auto path = target.substr(0, question);
  const bool below = path.starts_with(k_root) && (path.size() == k_root.size() || path[k_root.size()] == '/');
  if (!below) {
    return fail(ErrorCode::not_found,
                "no such address in the admin API: " + base::escape_for_terminal(target.substr(0, 200)),
                "every address begins with /admin/v1: this is crd " CR_VERSION);
  }
  auto segments = parse_segments(path.substr(k_root.size()));
  if (!segments) return tl::unexpected(segments.error());
  auto query = parse_query(question == std::string_view::npos ? std::string_view() : target.substr(question + 1));
  if (!query) return tl::unexpected(query.error());
  return AdminTarget{std::move(*segments), std::move(*query)};
}

std::optional<std::vector<std::string>> match_pattern(std::string_view pattern,
                                                      const std::vector<std::string>& segments) {
  std::vector<std::string> names;
  std::size_t at = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (at == segments.size()) return std::nullopt;
    if (part.starts_with('{')) {
      names.push_back(segments[at]);
    } else if (part != segments[at]) {
      return std::nullopt;
    }
    ++at;
  }
  if (at != segments.size()) return std::nullopt;
  return names;
}

}  // namespace cr::server::admin
