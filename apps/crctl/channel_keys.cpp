// SPDX-License-Identifier: MIT
// channel set-key, test.
#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/channel.h"
#include "crctl/fetch.h"
#include "crctl/prompt.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

struct KeyWords {
  std::string name;
  SecretSource key;
  bool add = false;
  std::optional<std::string> remove;
};

Result<Exit> run_set_key(Context& context, const KeyWords& words) {
  admin::ChannelSetKey message;
  message.action = words.remove ? "remove" : words.add ? "add" : "set";
  if (words.remove) {
    message.key = *words.remove;
  } else {
    if (!words.key.given() && !context.terminal.in_tty) {
      return fail(ErrorCode::invalid, "a key is needed", "give it with --key-stdin or --key-file FILE");
    }
    auto key = read_secret(context, words.key, "the provider's key");
    if (!key) return tl::unexpected(key.error());
    message.key = std::string(key->reveal());
  }
  std::string raw;
  auto done = context.client().send<admin::Channel>("POST", channel_path(words.name) + "/keys", message,
                                                    context.call_options(), &raw);
  base::wipe(message.key);
  if (!done) return tl::unexpected(done.error());
  const std::size_t keys = done->keys.size();
  return print_done(context,
                    fmt::format("channel '{}' {} {} key{}", words.name, context.globals.dry_run ? "would have" : "has",
                                keys, keys == 1 ? "" : "s"),
                    raw);
}

struct TestWords {
  std::string name;
  std::optional<std::string> model;
};

Result<Exit> run_test(Context& context, const TestWords& words) {
  admin::ChannelTestRequest request;
  request.model = words.model;
  std::string raw;
  auto test = context.client().send<admin::ChannelTest>("POST", channel_path(words.name) + "/test", request, {}, &raw);
  if (!test) return tl::unexpected(test.error());
  Result<void> printed;
  if (context.output.wants_data()) {
    printed = context.output.object(raw);
  } else if (test->ok && !context.globals.quiet) {
    printed = context.output.text(fmt::format("ok: {} answered {} in {} (connected in {})\n",
                                              base::escape_for_terminal(test->model), test->status,
                                              took_text(test->total_ms), took_text(test->connect_ms)));
  }
  if (!printed) return tl::unexpected(printed.error());
  if (test->ok) return Exit::done;
  return context.refuse({ErrorCode::upstream, fmt::format("channel '{}': {}", words.name, test->message),
                         test->status == 401 || test->status == 403
                             ? fmt::format("give it another key: crctl channel set-key {} --key-stdin", words.name)
                             : std::string()},
                        Exit::failed);
}

}  // namespace

void add_channel_keys(Commands& commands, CLI::App& channel) {
  auto test = std::make_shared<TestWords>();
  CLI::App& test_verb = commands.verb(channel,
                                      {"test",
                                       "Send one small request through a channel. Exit 0 or 1.",
                                       {"crctl channel test openai --model gpt-4o-mini"},
                                       {}},
                                      Effect::reads, [test](Context& context) { return run_test(context, *test); });
  add_name(test_verb, "NAME", "CHANNEL", "The channel.", test->name);
  add_text(test_verb, "--model", "MODEL", "The model to ask (the first it serves).", test->model);

  auto words = std::make_shared<KeyWords>();
  CLI::App& verb = commands.verb(
      channel,
      {"set-key",
       "Set, add or remove a provider's key; it comes from stdin or a file.",
       {"crctl channel set-key openai --key-stdin < key.txt", "crctl channel set-key openai --remove sk-proj-Ab"},
       "On a terminal the key is asked for and not shown."},
      Effect::changes, [words](Context& context) { return run_set_key(context, *words); });
  add_name(verb, "NAME", "CHANNEL", "The channel.", words->name);
  auto* from_stdin = add_flag(verb, "--key-stdin", "Read the key from stdin.", words->key.from_stdin);
  auto* file = add_text(verb, "--key-file", "FILE", "Read the key from a file.", words->key.file);
  exclude(file, from_stdin);
  auto* add = add_flag(verb, "--add", "Keep the keys there are and add this one.", words->add);
  auto* remove =
      add_text(verb, "--remove", "PREFIX", "Remove the key that begins so, as 'channel show' shows it.", words->remove);
  for (CLI::Option* other : {from_stdin, file, add}) exclude(remove, other);
}

}  // namespace cr::crctl
