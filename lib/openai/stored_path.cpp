// SPDX-License-Identifier: MIT
#include "openai/stored_path.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cr::openai {
namespace {

constexpr std::string_view k_root = "/v1/responses/";
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> k_actions{
    {{"", "GET, DELETE"}, {"/cancel", "POST"}, {"/input_items", "GET"}}};

bool may_stand(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':';
}

}  // namespace

bool is_response_id(std::string_view text) {
  return !text.empty() && text.size() <= k_response_id_bytes_max && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), may_stand);
}

bool StoredPath::allows(std::string_view method) const {
  const auto comma = methods.find(", ");
  if (comma == std::string_view::npos) return methods == method;
  return methods.substr(0, comma) == method || methods.substr(comma + 2) == method;
}

std::optional<StoredPath> read_stored_path(std::string_view path) {
  if (!path.starts_with(k_root)) return std::nullopt;
  const auto rest = path.substr(k_root.size());
  const auto end = std::min(rest.find('/'), rest.size());
  if (!is_response_id(rest.substr(0, end))) return std::nullopt;
  for (const auto& [action, methods] : k_actions) {
    if (rest.substr(end) == action) return StoredPath{rest.substr(0, end), methods};
  }
  return std::nullopt;
}

}  // namespace cr::openai
