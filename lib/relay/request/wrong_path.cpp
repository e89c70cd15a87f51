// SPDX-License-Identifier: MIT
#include "relay/request/wrong_path.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "relay/request/answer_text.h"
#include "relay/request/local_endpoints.h"

namespace cr::relay::request {

namespace {

using dialect::Endpoint;

constexpr std::string_view k_version = "/v1";
// Looked at no further: no path that was meant is longer.
constexpr std::size_t k_path_bytes_max = 1024;
// What SDKs know and crd does not relay yet.
constexpr std::array<std::string_view, 2> k_not_yet{"/v1/responses/compact", "/v1/responses/input_tokens"};

// Each run of slashes as one, and none at the end.
std::string with_single_slashes(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out.push_back(c);
  }
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string_view without_versions(std::string_view path) {
  while (path == k_version || path.starts_with("/v1/")) path.remove_prefix(k_version.size());
  return path;
}

// An address with an id in it could begin anywhere in a path; others are known by how a path ends.
bool has_an_id(std::string_view path) {
  return dialect::find_endpoint(path) == Endpoint::response_by_id || find_own_answer(path) == OwnAnswer::model;
}

bool is_known(std::string_view path) {
  return dialect::find_endpoint(path) || find_own_answer(path) ||
         std::find(k_not_yet.begin(), k_not_yet.end(), path) != k_not_yet.end();
}

// The address that was meant, from a path without doubled slashes; none: it is nothing like any.
std::optional<std::string> find_meant(std::string_view path) {
  for (std::size_t at = 0; at != std::string_view::npos && at < path.size(); at = path.find('/', at + 1)) {
    const auto meant = std::string(k_version).append(without_versions(path.substr(at)));
    if (is_known(meant) && (at == 0 || !has_an_id(meant))) return meant;
  }
  return std::nullopt;
}

// As it is told: no id, which could be anything, is repeated.
std::string_view name_of(std::string_view meant) {
  if (find_own_answer(meant) == OwnAnswer::model) return "/v1/models/{model}";
  const auto endpoint = dialect::find_endpoint(meant);
  return endpoint ? dialect::path_of(*endpoint) : meant;
}

std::string advice(std::string_view path, const std::string& meant, std::string_view host) {
  const auto here = host.empty() ? std::string("this gateway's address") : std::string(host);
  const bool doubled = path.starts_with("/v1/v1/") || path.starts_with("/v1//v1/");
  if (path.starts_with(meant) && path.find_first_not_of('/', meant.size()) == std::string_view::npos)
    return "the address has a slash at its end: leave it out";
  // Anthropic's SDKs write /v1 themselves, so do all who write it twice there.
  if (doubled && dialect_of_path(meant) == dialect::Dialect::anthropic)
    return "the address has /v1 twice: set the client's base URL to " + here + ", without /v1";
  if (doubled) return "the address has /v1 twice: set the client's base URL to " + here + "/v1";
  if (path.find("//") != std::string_view::npos)
    return "the address has a doubled slash: set the client's base URL to " + here + "/v1, without a slash at its end";
  return "for " + std::string(name_of(meant)) + " set the client's base URL to " + here + "/v1";
}

}  // namespace

WrongPath explain_wrong_path(std::string_view path, std::string_view host) {
  WrongPath wrong{{dialect::RefusalCode::unknown_endpoint,
                   "no such endpoint here: GET /v1/models lists the models, POST /v1/chat/completions asks one",
                   {},
                   {}},
                  dialect_of_path(path)};
  if (path.size() > k_path_bytes_max) return wrong;
  if (std::find(k_not_yet.begin(), k_not_yet.end(), path) != k_not_yet.end()) {
    wrong.refusal.message = std::string(path) + " is not relayed by this gateway yet";
    return wrong;
  }
  const auto clean = with_single_slashes(path);
  if (clean == k_version || clean.empty()) {
    wrong.refusal.message = "this is a base URL, and no endpoint: GET /v1/models is the nearest that answers";
    return wrong;
  }
  const auto meant = find_meant(clean);
  if (!meant) return wrong;
  wrong.dialect = dialect_of_path(*meant);
  wrong.refusal.message = "no such endpoint here; " + advice(path, *meant, host);
  return wrong;
}

}  // namespace cr::relay::request
