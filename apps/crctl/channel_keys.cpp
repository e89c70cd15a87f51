// SPDX-License-Identifier: MIT
// channel set-key, test.
#include <fmt/format.h>

#include <algorithm>

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
  auto done = context.client().send<admin::Edited<admin::Channel>>("POST", channel_path(words.name) + "/keys", message,
                                                                   context.call_options(), &raw);
  base::wipe(message.key);
  if (!done) return tl::unexpected(done.error());
  const std::size_t keys = done->keys.size();
  context.output.note(fmt::format("channel '{}' {} {} key{}", words.name,
                                  context.globals.dry_run ? "would have" : "has", keys, keys == 1 ? "" : "s"));
  auto printed = context.output.changes(done->changes, raw);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

struct TestWords {
  std::string name;
  std::optional<std::string> model, only;
};

std::string shown(const admin::ChannelKeyTest& key) {
  return base::escape_for_terminal(key.first + "..." + key.last);
}

bool is_refused(const admin::ChannelKeyTest& key) {
  return key.status == 401 || key.status == 403;
}

std::string line_of(const admin::ChannelTest& test, const admin::ChannelKeyTest& key) {
  const auto which = test.keys.size() > 1 ? fmt::format("key {}: ", shown(key)) : std::string();
  if (!key.ok) return fmt::format("failed: {}{}\n", which, base::escape_for_terminal(key.message));
  return fmt::format("ok: {}{} answered {} in {} (connected in {})\n", which, base::escape_for_terminal(test.model),
                     key.status, took_text(key.total_ms), took_text(key.connect_ms));
}

// One key's failure is told by the error alone; of several each has its line.
std::string report_of(const admin::ChannelTest& test) {
  std::string report;
  for (const auto& key : test.keys) {
    if (key.ok || test.keys.size() > 1) report += line_of(test, key);
  }
  return report;
}

base::Error failure_of(const std::string& channel, const admin::ChannelTest& test) {
  const auto* only = test.keys.size() == 1 ? &test.keys.front() : nullptr;
  if (only != nullptr) {
    return {ErrorCode::upstream, fmt::format("channel '{}': {}", channel, only->message),
            is_refused(*only) ? fmt::format("give it another key: crctl channel set-key {} --key-stdin", channel)
                              : std::string()};
  }
  Texts failed, refused;
  for (const auto& key : test.keys) {
    if (!key.ok) failed.push_back(shown(key));
    if (is_refused(key)) refused.push_back(shown(key));
  }
  return {ErrorCode::upstream,
          fmt::format("channel '{}': {} of {} keys failed: {}", channel, failed.size(), test.keys.size(), join(failed)),
          refused.empty() ? std::string()
                          : fmt::format("the provider refused {}: put others in their place with crctl channel set-key "
                                        "{} --add, and --remove",
                                        join(refused), channel)};
}

Result<Exit> run_test(Context& context, const TestWords& words) {
  admin::ChannelTestRequest request;
  request.model = words.model;
  request.key = words.only;
  std::string raw;
  auto test = context.client().send<admin::ChannelTest>("POST", channel_path(words.name) + "/test", request, {}, &raw);
  if (!test) return tl::unexpected(test.error());
  Result<void> printed;
  if (context.output.wants_data()) {
    printed = context.output.object(raw);
  } else if (!context.globals.quiet) {
    printed = context.output.text(report_of(*test));
  }
  if (!printed) return tl::unexpected(printed.error());
  if (test->ok) return Exit::done;
  const bool some_good = std::any_of(test->keys.begin(), test->keys.end(), [](const auto& key) { return key.ok; });
  return context.refuse(failure_of(words.name, *test), some_good ? Exit::some_failed : Exit::failed);
}

}  // namespace

void add_channel_keys(Commands& commands, CLI::App& channel) {
  auto test = std::make_shared<TestWords>();
  CLI::App& test_verb =
      commands.verb(channel,
                    {"test",
                     "Send one small request with each key of a channel. Exit 0, 1, or 13 if some failed.",
                     {"crctl channel test openai --model gpt-4o-mini", "crctl channel test openai --only sk-proj-Ab"},
                     "What is held against the channel is forgotten where it answers well, and what is "
                     "held against a key where that key was accepted."},
                    Effect::reads, [test](Context& context) { return run_test(context, *test); });
  add_name(test_verb, "NAME", "CHANNEL", "The channel.", test->name);
  add_text(test_verb, "--model", "MODEL", "The model to ask (the first it serves).", test->model);
  add_text(test_verb, "--only", "PREFIX", "Only the key that begins so, as 'channel show' shows it.", test->only);

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
