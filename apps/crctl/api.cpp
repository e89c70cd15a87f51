// SPDX-License-Identifier: MIT
// The word `api`: any route of the admin socket.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/prompt.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

struct Words {
  std::string method, path;
  std::optional<std::string> data, input;
};

Result<Exit> run_api(Context& context, const Words& words) {
  static constexpr std::array<std::string_view, 5> k_methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
  std::string method = words.method;
  std::transform(method.begin(), method.end(), method.begin(),
                 [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  if (std::find(k_methods.begin(), k_methods.end(), method) == k_methods.end()) {
    return fail(ErrorCode::invalid, "unknown method '" + words.method + "'", "one of GET, POST, PUT, PATCH, DELETE");
  }
  std::string body = words.data.value_or("");
  if (words.input) {
    auto text = read_text(*words.input);
    if (!text) return tl::unexpected(text.error());
    body = *std::move(text);
  }
  if (body.empty() && method == "POST") body = "{}";
  const std::string path = words.path.starts_with("/") ? words.path : "/" + words.path;
  auto answer = context.client().call(method, path, body, context.call_options());
  if (!answer) return tl::unexpected(answer.error());
  Result<void> printed;
  if (context.output.wants_data()) {
    printed = context.output.object(answer->body);
  } else if (!answer->body.empty()) {
    printed = context.output.text(context.terminal.out_tty ? indented(answer->body) + "\n" : answer->body + "\n");
  }
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

}  // namespace

void add_api(Commands& commands) {
  auto words = std::make_shared<Words>();
  CLI::App& api = commands.word({"api",
                                 "Call a route of the admin socket and print its JSON.",
                                 {"crctl api GET /tokens?limit=5", "crctl api PATCH /tokens/ci -d '{\"note\":\"x\"}'"},
                                 "PATH is below /admin/v1. Errors become exit codes as for any verb."},
                                Effect::changes, [words](Context& context) { return run_api(context, *words); });
  add_name(api, "METHOD", "GET|POST|PUT|PATCH|DELETE", "The method.", words->method);
  add_name(api, "PATH", "PATH", "The path, with its query.", words->path);
  auto* data =
      add_text(api, "-d,--data", "JSON", "The body; no secrets, arguments can be seen by others.", words->data);
  exclude(add_text(api, "--input", "FILE", "The body from a file; - is stdin.", words->input), data);
}

}  // namespace cr::crctl
