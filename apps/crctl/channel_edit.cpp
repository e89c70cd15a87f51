// SPDX-License-Identifier: MIT
// channel create, edit, enable, disable.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/channel.h"
#include "crctl/fetch.h"
#include "crctl/prompt.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::Result;

struct CreateWords : ChannelWords {
  SecretSource key;
  bool disabled = false;
};

struct EditWords : ChannelWords {
  bool no_allow_private = false;
};

std::optional<std::int64_t> in_ms(const std::optional<std::chrono::milliseconds>& duration) {
  return duration ? std::optional<std::int64_t>(duration->count()) : std::nullopt;
}

// A setting that the word `none` takes away.
std::optional<std::string> or_none(const std::optional<std::string>& text) {
  return text == "none" ? std::optional<std::string>("") : text;
}

using HeaderEdit = std::map<std::string, std::optional<std::string>>;

// "Name: value" sets a header; "-Name", in an edit, removes it.
Result<HeaderEdit> parse_headers(const Texts& texts) {
  HeaderEdit headers;
  for (const auto& text : texts) {
    const auto colon = text.find(':');
    if (colon == std::string::npos && text.size() > 1 && text.front() == '-') {
      headers[base::to_lower_ascii(std::string_view(text).substr(1))] = std::nullopt;
      continue;
    }
    const auto name = std::string_view(text).substr(0, colon);
    if (colon == std::string::npos || name.empty() || name.front() == '-') {
      // Not repeated: what was meant as its value may be a key.
      return base::fail(base::ErrorCode::invalid, "--header: a header has a name, a colon and a value",
                        "write 'Name: value'; -Name removes one");
    }
    const auto first = std::min(text.find_first_not_of(' ', colon + 1), text.size());
    const auto value = text.substr(first, text.find_last_not_of(' ') + 1 - first);
    const auto [place, added] = headers.emplace(base::to_lower_ascii(name), value);
    if (!added) return base::fail(base::ErrorCode::invalid, "--header: '" + place->first + "' is there twice");
  }
  return headers;
}

Result<admin::ChannelCreate> create_message(const CreateWords& words) {
  admin::ChannelCreate create;
  create.name = words.name;
  create.kind = *words.kind;
  create.base_url = words.base_url.value_or("");
  create.bound_field = words.bound_field.value_or("");
  create.note = words.note.value_or("");
  create.enabled = !words.disabled;
  create.allow_private = words.allow_private;
  create.priority = words.priority.value_or(create.priority);
  create.weight = words.weight.value_or(create.weight);
  create.timeout_connect_ms = in_ms(words.timeout_connect);
  create.timeout_first_byte_ms = in_ms(words.timeout_first_byte);
  create.timeout_idle_ms = in_ms(words.timeout_idle);
  create.timeout_total_ms = in_ms(words.timeout_total);
  create.echo_delay_ms = in_ms(words.echo_delay).value_or(0);
  create.proxy = or_none(words.proxy).value_or("");
  create.ca_file = or_none(words.ca_file).value_or("");
  create.client_cert = or_none(words.client_cert).value_or("");
  create.client_key = or_none(words.client_key).value_or("");
  auto models = parse_list("--models", words.models.value_or(Texts{}));
  auto groups = parse_list("--group", words.groups.value_or(Texts{}));
  auto map = parse_pairs("--map", words.map.value_or(Texts{}));
  if (!models) return tl::unexpected(models.error());
  if (!groups) return tl::unexpected(groups.error());
  if (!map) return tl::unexpected(map.error());
  auto headers = parse_headers(words.headers.value_or(Texts{}));
  if (!headers) return tl::unexpected(headers.error());
  for (auto& [name, value] : *headers) {
    if (!value) return base::fail(base::ErrorCode::invalid, "--header: there is no '" + name + "' to remove yet");
    create.headers[name] = *std::move(value);
  }
  create.models = *std::move(models);
  create.groups = *std::move(groups);
  create.model_map = *std::move(map);
  if (auto good = base::check_name("channel name", words.name); !good) return tl::unexpected(good.error());
  return create;
}

Result<Exit> run_create(Context& context, const CreateWords& words) {
  auto create = create_message(words);
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
  if (created->keys.empty() && created->kind != "echo") {
    context.output.note(fmt::format("it has no key yet: crctl channel set-key {} --key-stdin", words.name));
  }
  return print_done(context,
                    fmt::format("{}created channel '{}' ({}), models {}", context.would(), created->name, created->kind,
                                created->models.empty() ? "by its aliases" : join(created->models)),
                    raw);
}

Result<admin::ChannelEdit> edit_message(const EditWords& words) {
  admin::ChannelEdit edit;
  edit.base_url = words.base_url;
  edit.bound_field = words.bound_field;
  edit.note = words.note;
  edit.priority = words.priority;
  edit.weight = words.weight;
  edit.timeout_connect_ms = in_ms(words.timeout_connect);
  edit.timeout_first_byte_ms = in_ms(words.timeout_first_byte);
  edit.timeout_idle_ms = in_ms(words.timeout_idle);
  edit.timeout_total_ms = in_ms(words.timeout_total);
  edit.echo_delay_ms = in_ms(words.echo_delay);
  edit.proxy = or_none(words.proxy);
  edit.ca_file = or_none(words.ca_file);
  edit.client_cert = or_none(words.client_cert);
  edit.client_key = or_none(words.client_key);
  if (words.headers) {
    auto headers = parse_headers(*words.headers);
    if (!headers) return tl::unexpected(headers.error());
    edit.headers = *std::move(headers);
  }
  if (words.allow_private || words.no_allow_private) edit.allow_private = words.allow_private;
  if (words.models) {
    auto models = parse_list_edit("--models", *words.models);
    if (!models) return tl::unexpected(models.error());
    edit.models = *std::move(models);
  }
  if (words.groups) {
    auto groups = parse_list_edit("--group", *words.groups);
    if (!groups) return tl::unexpected(groups.error());
    edit.groups = *std::move(groups);
  }
  if (words.map) {
    auto map = parse_pairs_edit("--map", *words.map);
    if (!map) return tl::unexpected(map.error());
    edit.model_map = *std::move(map);
  }
  return edit;
}

bool edits_anything(const admin::ChannelEdit& edit) {
  return edit.base_url || edit.bound_field || edit.note || edit.priority || edit.weight || edit.timeout_connect_ms ||
         edit.timeout_first_byte_ms || edit.timeout_idle_ms || edit.echo_delay_ms || edit.allow_private ||
         edit.models || edit.groups || edit.model_map || edit.timeout_total_ms || edit.headers || edit.proxy ||
         edit.ca_file || edit.client_cert || edit.client_key;
}

Result<Exit> run_channel_edit(Context& context, const EditWords& words) {
  auto edit = edit_message(words);
  if (!edit) return tl::unexpected(edit.error());
  if (!edits_anything(*edit)) {
    return base::fail(base::ErrorCode::invalid, "nothing to edit: name at least one setting",
                      "see 'crctl channel edit --help'");
  }
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
  require(add_choice(verb, "--kind", "openai|anthropic|echo", "How it is spoken to (required).", words->kind));
  add_channel_settings(verb, *words);
  add_flag(verb, "--allow-private", "Let its name resolve to loopback or private addresses.", words->allow_private);
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
  add_channel_settings(verb, *words);
  auto* allow =
      add_flag(verb, "--allow-private", "Let its name resolve to loopback or private addresses.", words->allow_private);
  exclude(add_flag(verb, "--no-allow-private", "Refuse such addresses again.", words->no_allow_private), allow);
  add_switch(commands, channel, true);
  add_switch(commands, channel, false);
}

}  // namespace cr::crctl
