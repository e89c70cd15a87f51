// SPDX-License-Identifier: MIT
// The addresses of a response that its provider keeps (platform.openai.com/docs/api-reference/responses):
// GET and DELETE /v1/responses/{id}, POST .../cancel, GET .../input_items; HEAD wherever GET is. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace cr::dialect {

inline constexpr std::size_t k_response_id_bytes_max = 256;

// ASCII letters, digits, '_', '-', '.' and ':', but no "." or "..": nothing that would need escaping in a path, or that
// could lead out of it.
bool is_response_id(std::string_view text);

struct StoredPath {
  std::string_view id;
  std::string_view methods;  // of a 405's Allow: "GET, HEAD, DELETE"
  bool allows(std::string_view method) const;
};

// None for any other path, /v1/responses/compact and /input_tokens among them: they are addresses of their own. The id
// points into `path`.
std::optional<StoredPath> read_stored_path(std::string_view path);

}  // namespace cr::dialect
