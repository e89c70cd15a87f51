// SPDX-License-Identifier: MIT
// Client: the typed client of the admin socket (HTTP/1.1 over a unix socket). Blocking; one thread.
// Every call: `unavailable` when no daemon answers on the socket, `timeout` past the deadline, else the daemon's own
// error.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "admin/messages.h"

namespace cr::admin {

struct CallOptions {
  bool dry_run = false;
  std::string reason;
  std::optional<std::int64_t> if_rev;
  std::string idempotency_key;
};

struct RawAnswer {
  int status = 0;
  std::string body;  // JSON
  std::map<std::string, std::string> headers;
};

class Client {
 public:
  struct Options {
    std::string socket_path;
    std::chrono::milliseconds timeout{10'000};
    std::function<void(std::string_view line)> trace;  // --debug: one line a message, keys redacted; may be empty
    std::function<void(base::Error&)> not_running{};   // adds what else is known of a daemon that does not answer
  };
  explicit Client(Options options);
  ~Client();

  // One HTTP exchange on a connection of its own; answers of 400 and over become the daemon's Error.
  // The path is below /admin/v1 ("/tokens/ci") or begins with /admin/ itself; segments and values are percent-encoded.
  base::Result<RawAnswer> call(std::string_view method, std::string_view path_and_query,
                               std::string_view json_body = {}, const CallOptions& options = {});

  // Typed: body out and in. Returns the parsed message; `raw` (if given) gets the answer's JSON text.
  template <class Answer>
  base::Result<Answer> get(std::string_view path_and_query, std::string* raw = nullptr);
  template <class Answer, class Body>
  base::Result<Answer> send(std::string_view method, std::string_view path_and_query, const Body& body,
                            const CallOptions& options = {}, std::string* raw = nullptr);
  base::Result<void> remove(std::string_view path_and_query, const CallOptions& options = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes one path segment or query value (RFC 3986 unreserved kept).
std::string encode_segment(std::string_view text);
std::string query_of(const TokenFilter& filter);  // "?status=enabled&limit=50", or empty
std::string query_of(const RequestFilter& filter);
std::string query_of(const UsageQuery& query);
std::string query_of(const CostQuery& query);
base::Result<TokenFilter> token_filter_from(const std::multimap<std::string, std::string>& query);
base::Result<RequestFilter> request_filter_from(const std::multimap<std::string, std::string>& query);
base::Result<UsageQuery> usage_query_from(const std::multimap<std::string, std::string>& query);
base::Result<CostQuery> cost_query_from(const std::multimap<std::string, std::string>& query);

template <class Answer>
base::Result<Answer> Client::get(std::string_view path_and_query, std::string* raw) {
  auto answer = call("GET", path_and_query);
  if (!answer) return tl::unexpected(answer.error());
  if (raw) *raw = answer->body;
  return from_json<Answer>(answer->body);
}

template <class Answer, class Body>
base::Result<Answer> Client::send(std::string_view method, std::string_view path_and_query, const Body& body,
                                  const CallOptions& options, std::string* raw) {
  auto answer = call(method, path_and_query, to_json(body), options);
  if (!answer) return tl::unexpected(answer.error());
  if (raw) *raw = answer->body;
  return from_json<Answer>(answer->body);
}

}  // namespace cr::admin
