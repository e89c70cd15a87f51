// SPDX-License-Identifier: MIT
// token create.
#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/interrupt.h"
#include "crctl/prompt.h"
#include "crctl/token.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::TokenCreate;
using base::Result;

struct CreateWords {
  std::string name;
  std::optional<std::string> expires, not_before, quota, account, when_low, note, like, idempotency_key;
  std::optional<std::string> time_zone, rpm, tpm, concurrency;
  std::optional<Texts> budgets, models, allow_ip, groups, tags;
  bool disabled = false, retrievable = false;
  SecretSource key;
  KeyTarget target;
};

// Parses what was given into a member and, for --like, notes that it was given.
template <class Value, class Parse, class Text>
Result<void> set(TokenCreate& create, const std::optional<Text>& given, const char* member, Value& value, Parse parse) {
  if (!given) return {};
  auto parsed = parse(*given);
  if (!parsed) return tl::unexpected(parsed.error());
  value = *std::move(parsed);
  create.given.emplace_back(member);
  return {};
}

Result<std::string> as_it_is(const std::string& text) {
  return text;
}

auto list_of(const char* flag) {
  return [flag](const Texts& texts) { return parse_list(flag, texts); };
}

auto rate_of(const char* flag) {
  return [flag](const std::string& text) { return parse_rate(flag, text); };
}

Result<TokenCreate> message_of(Context& context, const CreateWords& words) {
  TokenCreate create;
  create.name = words.name;
  create.enabled = !words.disabled;
  create.retrievable = words.retrievable;
  create.like = words.like.value_or("");
  if (words.disabled) create.given.emplace_back("enabled");
  if (words.retrievable) create.given.emplace_back("retrievable");
  const auto moment = [&](const std::string& text) { return base::parse_when(text, context.now); };
  const auto expiry = [&](const std::string& text) { return parse_expiry(text, context.now); };
  const auto tags = [](const Texts& texts) { return parse_pairs("--tag", texts); };
  for (const auto& done : {
           base::check_name("token name", words.name),
           set(create, words.expires, "expires_at", create.expires_at, expiry),
           set(create, words.not_before, "not_before", create.not_before, moment),
           set(create, words.quota, "quota", create.quota, [](const std::string& text) { return parse_quota(text); }),
           set(create, words.budgets, "budgets", create.budgets,
               [](const Texts& texts) { return parse_budgets("--budget", texts); }),
           set(create, words.time_zone, "time_zone", create.time_zone, as_it_is),
           set(create, words.rpm, "requests_per_minute", create.requests_per_minute, rate_of("--rpm")),
           set(create, words.tpm, "tokens_per_minute", create.tokens_per_minute, rate_of("--tpm")),
           set(create, words.concurrency, "requests_at_once", create.requests_at_once, rate_of("--concurrency")),
           set(create, words.models, "models", create.models, list_of("--models")),
           set(create, words.allow_ip, "allow_ip", create.allow_ip, list_of("--allow-ip")),
           set(create, words.groups, "groups", create.groups, list_of("--group")),
           set(create, words.account, "account", create.account, as_it_is),
           set(create, words.when_low, "when_low", create.when_low, as_it_is),
           set(create, words.tags, "tags", create.tags, tags),
           set(create, words.note, "note", create.note, as_it_is),
       }) {
    if (!done) return tl::unexpected(done.error());
  }
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
  add_text(verb, "--expires", "WHEN", "30d, 2027-12-31, RFC 3339; never, none or -1 for no end (the daemon's default).",
           words.expires);
  add_text(verb, "--quota", "AMOUNT", "Dollars it may spend: 20, $5, 500000u; unlimited, none or -1 (unlimited).",
           words.quota);
  add_texts(verb, "--budget", "AMOUNT/PERIOD",
            "Dollars a calendar period: 5/day, 20/week, 50/month; repeatable (none).", words.budgets);
  add_text(verb, "--time-zone", "ZONE", "Where its days begin, as Europe/Berlin (UTC).", words.time_zone);
  add_text(verb, "--rpm", "N", "Requests a minute: 600, 12k, unlimited (unlimited).", words.rpm);
  add_text(verb, "--tpm", "N", "Model tokens a minute, in and out (unlimited).", words.tpm);
  add_text(verb, "--concurrency", "N", "Requests at once (unlimited).", words.concurrency);
  add_texts(verb, "--models", "LIST", "Names and patterns it may call: 'gpt-4o,o3-*' (all).", words.models);
  add_texts(verb, "--allow-ip", "LIST", "Addresses and CIDRs it may come from (all).", words.allow_ip);
  add_texts(verb, "--group", "GROUP", "Its group, or several in order (default).", words.groups);
  add_text(verb, "--account", "ACCOUNT", "The account it draws on (default).", words.account);
  add_choice(verb, "--when-low", "clamp|refuse", "If credit is short: shorten the answer, or refuse (clamp).",
             words.when_low);
  add_texts(verb, "--tag", "K=V", "A tag; repeatable.", words.tags);
  add_text(verb, "--note", "TEXT", "A note.", words.note);
  add_flag(verb, "--disabled", "Create it disabled.", words.disabled);
  add_text(verb, "--not-before", "WHEN", "Not valid before this time.", words.not_before);
  add_text(verb, "--like", "TOKEN", "Take what is not given here from this token.", words.like);
}

void add_key_flags(CLI::App& verb, CreateWords& words) {
  add_flag(verb, "--retrievable", "Keep a sealed copy of the key, for 'token copy'.", words.retrievable);
  auto* from_stdin =
      add_flag(verb, "--key-stdin", "Import this key from stdin instead of a new one.", words.key.from_stdin);
  exclude(add_text(verb, "--key-file", "FILE", "Import this key from a file.", words.key.file), from_stdin);
  add_text(verb, "--out", "FILE", "Write the key to a new file of mode 0600 instead of stdout.", words.target.file);
  add_choice(verb, "--format", "key|env|json", "Form of that file: the key, OPENAI_API_KEY=..., or JSON (key).",
             words.target.format);
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
