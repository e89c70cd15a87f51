// SPDX-License-Identifier: MIT
#include "dialect/stored_path.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cr::dialect {
namespace {

constexpr std::string_view k_root = "/v1/responses/";
// What stands where an id would, and is none.
constexpr std::array<std::string_view, 2> k_no_ids{"compact", "input_tokens"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> k_actions{
    {{"", "GET, HEAD, DELETE"}, {"/cancel", "POST"}, {"/input_items", "GET, HEAD"}}};

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
  for (auto rest = methods; !rest.empty();) {
    const auto end = std::min(rest.find(", "), rest.size());
    if (rest.substr(0, end) == method) return true;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return false;
}

std::optional<StoredPath> read_stored_path(std::string_view path) {
  if (!path.starts_with(k_root)) return std::nullopt;
  const auto rest = path.substr(k_root.size());
  const auto end = std::min(rest.find('/'), rest.size());
  const auto id = rest.substr(0, end);
  if (!is_response_id(id) || std::find(k_no_ids.begin(), k_no_ids.end(), id) != k_no_ids.end()) return std::nullopt;
  for (const auto& [action, methods] : k_actions) {
    if (rest.substr(end) == action) return StoredPath{id, methods};
  }
  return std::nullopt;
}

}  // namespace cr::dialect
