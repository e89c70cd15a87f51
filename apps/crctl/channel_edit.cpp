// SPDX-License-Identifier: MIT
// channel create, edit, enable, disable.
#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/channel.h"
#include "crctl/fetch.h"
#include "crctl/prompt.h"
#include "crctl/values.h"
#include "provider/kinds/kind.h"

namespace cr::crctl {
namespace {

using base::Result;

struct CreateWords : ChannelWords {
  std::optional<std::string> kind;
  SecretSource key;
  bool disabled = false;
};

struct EditWords : ChannelWords {
  bool no_allow_private = false, no_retry_after_timeout = false;
};

Result<admin::ChannelCreate> create_message(const CreateWords& words, base::Time now) {
  admin::ChannelCreate create;
  create.name = words.name;
  create.kind = *words.kind;
  create.enabled = !words.disabled;
  create.allow_private = words.allow_private;
  create.retry_after_timeout = words.retry_after_timeout;
  auto read = read_create(admin::k_channel_fields, words.settings, now, create, [](std::string_view) {});
  if (read) read = base::check_name("channel name", words.name);
  if (!read) return tl::unexpected(read.error());
  return create;
}

Result<Exit> run_create(Context& context, const CreateWords& words) {
  auto create = create_message(words, context.now);
  if (!create) return tl::unexpected(create.error());
  if (words.key.given()) {
    auto key = read_secret(context, words.key, "the provider's key");
    if (!key) return tl::unexpected(key.error());
    create->key = std::string(key->reveal());
  }
  std::string raw;
  auto created = context.client().send<admin::Channel>("POST", "/channels", *create, context.call_options(), &raw);
  if (create->key) base::wipe(*create->key);
  if (!created) return tl::unexpected(created.error());
  if (created->keys.empty() && !answers_by_itself(created->kind)) {
    context.output.note(fmt::format("it has no key yet: crctl channel set-key {} --key-stdin", words.name));
  }
  return print_done(context,
                    fmt::format("{}created channel '{}' ({}), models {}", context.would(), created->name, created->kind,
                                created->models.empty() ? "by its aliases" : join(created->models)),
                    raw);
}

Result<admin::ChannelEdit> edit_message(const EditWords& words, base::Time now) {
  admin::ChannelEdit edit;
  if (words.allow_private || words.no_allow_private) edit.allow_private = words.allow_private;
  if (words.retry_after_timeout || words.no_retry_after_timeout) edit.retry_after_timeout = words.retry_after_timeout;
  auto read = read_edit(admin::k_channel_fields, words.settings, now, edit);
  if (!read) return tl::unexpected(read.error());
  return edit;
}

Result<Exit> run_channel_edit(Context& context, const EditWords& words) {
  const bool switched =
      words.allow_private || words.no_allow_private || words.retry_after_timeout || words.no_retry_after_timeout;
  if (!any_given(words.settings) && !switched) {
    return base::fail(base::ErrorCode::invalid, "nothing to edit: name at least one setting",
                      "see 'crctl channel edit --help'");
  }
  auto edit = edit_message(words, context.now);
  if (!edit) return tl::unexpected(edit.error());
  return run_edit<admin::Channel>(context, fmt::format("channel '{}'", words.name), channel_path(words.name), *edit);
}

Result<Exit> run_switch(Context& context, const Texts& names, bool enabled) {
  return context.each(names, [&](const std::string& name) -> Result<void> {
    admin::ChannelEdit edit;
    edit.enabled = enabled;
    std::string raw;
    auto done = context.client().send<admin::Channel>("PATCH", channel_path(name), edit, context.call_options(), &raw);
    if (!done) return tl::unexpected(done.error());
    context.output.note(fmt::format("{}{} channel '{}'", context.would(), enabled ? "enabled" : "disabled", name));
    return context.output.object(raw);
  });
}

void add_switch(Commands& commands, CLI::App& channel, bool enabled) {
  auto names = std::make_shared<Texts>();
  const VerbText text =
      enabled ? VerbText{"enable", "Send requests to disabled channels again.", {"crctl channel enable openai"}, {}}
              : VerbText{"disable", "Send no new requests to channels.", {"crctl channel disable openai"}, {}};
  CLI::App& verb = commands.verb(channel, text, Effect::changes,
                                 [names, enabled](Context& context) { return run_switch(context, *names, enabled); });
  add_names(verb, "NAME", "CHANNEL", "The channels.", *names);
}

std::string kind_choices() {
  Texts names;
  for (const auto& row : provider::kinds()) names.emplace_back(row.name);
  return join(names, "|");
}

}  // namespace

void add_channel_create(Commands& commands, CLI::App& channel) {
  auto words = std::make_shared<CreateWords>();
  CLI::App& verb =
      commands.verb(channel,
                    {"create",
                     "Create a channel. Its key comes from stdin or a file, never from an argument.",
                     {"crctl channel create openai --kind openai --models 'gpt-*,o3-*' --key-stdin < key.txt",
                      "crctl channel create try --kind echo --models 'echo-*'"},
                     "Kind echo answers by itself: a first try needs no provider and no money."},
                    Effect::adds, [words](Context& context) { return run_create(context, *words); });
  add_name(verb, "NAME", "NAME", "The new channel's name.", words->name);
  require(add_choice(verb, "--kind", kind_choices(), "How it is spoken to (required).", words->kind));
  add_setting_flags(verb, SettingVerb::create, admin::k_channel_fields, words->settings);
  add_flag(verb, "--allow-private", "Let its name resolve to loopback or private addresses.", words->allow_private);
  add_flag(verb, "--retry-after-timeout", "Try the next route after a timeout, too; both may be charged.",
           words->retry_after_timeout);
  auto* from_stdin = add_flag(verb, "--key-stdin", "Read the provider's key from stdin.", words->key.from_stdin);
  exclude(add_text(verb, "--key-file", "FILE", "Read the provider's key from a file.", words->key.file), from_stdin);
  add_flag(verb, "--disabled", "Create it disabled.", words->disabled);
}

void add_channel_edit(Commands& commands, CLI::App& channel) {
  auto words = std::make_shared<EditWords>();
  CLI::App& verb = commands.verb(
      channel,
      {"edit",
       "Change the settings named and no others.",
       {"crctl channel edit openai --models +gpt-5,-gpt-3.5-*", "crctl channel edit openai --priority 10"},
       "Lists take a whole new list, or changes: +x,-y. --map -ALIAS removes an alias, --header -NAME a header."},
      Effect::changes, [words](Context& context) { return run_channel_edit(context, *words); });
  add_name(verb, "NAME", "CHANNEL", "The channel.", words->name);
  add_setting_flags(verb, SettingVerb::edit, admin::k_channel_fields, words->settings);
  auto* allow =
      add_flag(verb, "--allow-private", "Let its name resolve to loopback or private addresses.", words->allow_private);
  exclude(add_flag(verb, "--no-allow-private", "Refuse such addresses again.", words->no_allow_private), allow);
  auto* retry = add_flag(verb, "--retry-after-timeout", "Try the next route after a timeout, too; both may be charged.",
                         words->retry_after_timeout);
  exclude(
      add_flag(verb, "--no-retry-after-timeout", "End a request at a timeout again.", words->no_retry_after_timeout),
      retry);
  add_switch(commands, channel, true);
  add_switch(commands, channel, false);
}

}  // namespace cr::crctl
