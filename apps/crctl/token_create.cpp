// SPDX-License-Identifier: MIT
// token create.
#include <fmt/format.h>

#include "admin/token_fields.h"
#include "base/secret.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/interrupt.h"
#include "crctl/prompt.h"
#include "crctl/setting_flags.h"
#include "crctl/token.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::TokenCreate;
using base::Result;

struct CreateWords {
  std::string name;
  TypedSettings<decltype(admin::k_token_fields)> settings;
  std::optional<std::string> like, idempotency_key;
  bool disabled = false, retrievable = false;
  SecretSource key;
  KeyTarget target;
};

Result<TokenCreate> message_of(Context& context, const CreateWords& words) {
  if (auto good = base::check_name("token name", words.name); !good) return tl::unexpected(good.error());
  TokenCreate create;
  create.name = words.name;
  create.enabled = !words.disabled;
  create.retrievable = words.retrievable;
  create.like = words.like.value_or("");
  if (words.disabled) create.given.emplace_back("enabled");
  if (words.retrievable) create.given.emplace_back("retrievable");
  auto read = read_create(admin::k_token_fields, words.settings, context.now, create,
                          [&](std::string_view name) { create.given.emplace_back(name); });
  if (!read) return tl::unexpected(read.error());
  return create;
}

void describe(Context& context, const admin::Token& token, const KeySink& sink) {
  const View view = context.view();
  std::string budgets;
  for (const auto& budget : token.budgets) budgets += ", " + budget.limit.to_display() + "/" + budget.period;
  context.output.note(fmt::format("{}created token '{}': quota {}{}, expires {}, models {}", context.would(),
                                  token.name, token.quota ? token.quota->to_display() : "unlimited", budgets,
                                  token.expires_at ? when_text(*token.expires_at, view) : "never",
                                  token.models.empty() ? "all" : join(token.models)));
  if (context.globals.dry_run) return;
  if (sink.is_file()) {
    context.output.note(fmt::format("the key is in '{}'", sink.file()));
  } else if (!token.retrievable) {
    context.output.note("the key is shown this once and not kept");
  }
}

Result<Exit> create_with(Context& context, const CreateWords& words, const TokenCreate& create, KeySink& sink) {
  admin::CallOptions options = context.call_options();
  options.idempotency_key = words.idempotency_key.value_or("");
  const UninterruptedSection section;
  std::string raw;
  auto created = context.client().send<admin::TokenWithKey>("POST", "/tokens", create, options, &raw);
  if (!created) {
    base::wipe(raw);
    return tl::unexpected(created.error());
  }
  NewKey key{created->token.name, std::move(created->key), token_object(raw)};
  base::wipe(raw);
  if (context.globals.dry_run) {
    describe(context, created->token, sink);
    return print_done(context, {}, key.token_json);
  }
  auto delivered = deliver_key(context, sink, key, [&]() -> Result<void> {
    admin::CallOptions undo;
    undo.reason = "its key could not be written";
    return context.client().remove(token_path(words.name), undo);
  });
  if (!delivered || *delivered != Exit::done) return delivered;
  describe(context, created->token, sink);
  return sink.is_file() ? print_done(context, {}, key.token_json) : delivered;
}

Result<Exit> run_create(Context& context, const CreateWords& words) {
  auto create = message_of(context, words);
  if (!create) return tl::unexpected(create.error());
  auto sink = KeySink::open(context, words.target);
  if (!sink) return tl::unexpected(sink.error());
  if (words.key.given()) {
    auto key = read_secret(context, words.key, "the key");
    if (!key) return tl::unexpected(key.error());
    create->key = std::string(key->reveal());
  }
  auto done = create_with(context, words, *create, *sink);
  if (create->key) base::wipe(*create->key);
  return done;
}

void add_settings(CLI::App& verb, CreateWords& words) {
  add_setting_flags(verb, SettingVerb::create, admin::k_token_fields, words.settings, 0, 0);
  add_flag(verb, "--disabled", "Create it disabled.", words.disabled);
  add_setting_flags(verb, SettingVerb::create, admin::k_token_fields, words.settings, 1);
  add_text(verb, "--like", "TOKEN", "Take what is not given here from this token.", words.like);
}

void add_key_flags(CLI::App& verb, CreateWords& words) {
  add_flag(verb, "--retrievable", "Keep a sealed copy of the key, for 'token copy'.", words.retrievable);
  auto* from_stdin =
      add_flag(verb, "--key-stdin", "Import this key from stdin instead of a new one.", words.key.from_stdin);
  exclude(add_text(verb, "--key-file", "FILE", "Import this key from a file.", words.key.file), from_stdin);
  add_text(verb, "--out", "FILE", "Write the key to a file instead, which only its owner may read; - is stdout.",
           words.target.file);
  add_choice(verb, "--format", "key|env|json", "Form of it: the key, OPENAI_API_KEY=..., or JSON (key).",
             words.target.format);
  add_text(verb, "--mode", "MODE", "Permissions of the file (0600, or those of the one replaced).", words.target.mode);
  add_text(verb, "--owner", "USER:GROUP", "Whose it is (yours, or the owner of the one replaced).", words.target.owner);
  add_flag(verb, "--force", "Let --out replace a file.", words.target.force);
  add_text(verb, "--idempotency-key", "KEY", "The same KEY again creates nothing new.", words.idempotency_key);
}

}  // namespace

void add_token_create(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<CreateWords>();
  CLI::App& verb = commands.verb(token,
                                 {"create",
                                  "Create a token. Its key alone goes to stdout, this once.",
                                  {"KEY=$(crctl token create ci --expires 30d --quota 20)",
                                   "crctl token create app --models 'gpt-4o,o3-*' --out app.env --format env"},
                                  {}},
                                 Effect::adds, [words](Context& context) { return run_create(context, *words); });
  add_name(verb, "NAME", "NAME", "The new token's name.", words->name);
  add_settings(verb, *words);
  add_key_flags(verb, *words);
}

}  // namespace cr::crctl
