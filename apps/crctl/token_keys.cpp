// SPDX-License-Identifier: MIT
// token copy, verify.
#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/clipboard.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/json_text.h"
#include "crctl/prompt.h"
#include "crctl/token.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

struct CopyWords {
  std::string name;
  bool print = false;
};

Result<Exit> run_copy(Context& context, const CopyWords& words) {
  const bool print = words.print || context.output.wants_data();
  std::optional<Clipboard> clipboard;
  if (!print) {
    auto found = Clipboard::find();
    if (found) {
      clipboard = *found;
    } else if (auto token = context.client().get<admin::Token>(token_path(words.name)); !token || token->retrievable) {
      // A key that was not kept is the more important news, and the daemon's to tell.
      return tl::unexpected(token ? found.error() : token.error());
    }
  }
  auto answer = context.client().call("POST", token_path(words.name) + "/copy", "{}", context.call_options());
  if (!answer) return tl::unexpected(answer.error());
  std::string key = member_text(answer->body, "key").value_or("");
  const std::string token = token_object(answer->body);
  base::wipe(answer->body);
  if (context.globals.dry_run) return print_done(context, "the key could be copied", token);
  if (key.empty()) return fail(ErrorCode::internal, "the daemon's answer has no key");
  if (!clipboard) {
    auto sink = KeySink::open(context, {});
    const Result<void> written = sink ? sink->write(key, token) : tl::unexpected(sink.error());
    base::wipe(key);
    if (!written) return tl::unexpected(written.error());
    return Exit::done;
  }
  const Result<void> copied = clipboard->copy(key);
  base::wipe(key);
  if (!copied) return tl::unexpected(copied.error());
  context.output.note(fmt::format("the key of token '{}' is in the clipboard ({})", words.name, clipboard->name()));
  return Exit::done;
}

std::string sentence_of(const admin::KeyVerdict& verdict) {
  if (verdict.known) return fmt::format("{} key of token '{}' ({})", verdict.state, verdict.token, verdict.status);
  if (verdict.shape == "mistyped") return "no token has this key: it is mistyped (its checksum is wrong)";
  if (verdict.shape == "foreign") return "no token has this key: crd did not make it, and nobody imported it";
  return "no token has this key: it was deleted, rotated away or made elsewhere";
}

Result<Exit> run_verify(Context& context) {
  auto key = read_secret(context, {true, std::nullopt}, "the key");
  if (!key) return tl::unexpected(key.error());
  std::string body = with_member("{}", "key", key->reveal());
  auto answer = context.client().call("POST", "/tokens/verify", body);
  base::wipe(body);
  if (!answer) return tl::unexpected(answer.error());
  auto verdict = admin::from_json<admin::KeyVerdict>(answer->body);
  if (!verdict) return tl::unexpected(verdict.error());
  if (!verdict->known && !context.output.wants_data()) return fail(ErrorCode::not_found, sentence_of(*verdict));
  auto printed =
      context.output.wants_data()
          ? context.output.object(answer->body)
          : context.output.text(
                (context.globals.quiet ? verdict->token : base::escape_for_terminal(sentence_of(*verdict))) + "\n");
  if (!printed) return tl::unexpected(printed.error());
  return verdict->known ? Exit::done : Exit::not_found;
}

}  // namespace

void add_token_keys(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<CopyWords>();
  CLI::App& copy = commands.verb(token,
                                 {"copy",
                                  "Copy the key of a --retrievable token to the clipboard.",
                                  {"crctl token copy laptop", "crctl token copy laptop --print"},
                                  "Uses wl-copy, xclip, or the terminal itself (OSC 52)."},
                                 Effect::adds, [words](Context& context) { return run_copy(context, *words); });
  add_name(copy, "NAME", "TOKEN", "The token.", words->name);
  add_flag(copy, "--print", "Print the key to stdout instead.", words->print);

  commands.verb(token,
                {"verify",
                 "Which token does a key on stdin belong to? Exit 0 or 10.",
                 {"crctl token verify < key.txt"},
                 "On a terminal the key is asked for and not shown."},
                Effect::reads, [](Context& context) { return run_verify(context); });
}

}  // namespace cr::crctl
