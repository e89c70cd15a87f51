// SPDX-License-Identifier: MIT
// token edit, enable, disable.
#include <fmt/format.h>

#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/token.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::TokenEdit;
using base::Result;

struct EditWords {
  std::string name;
  std::optional<std::string> rename, expires, not_before, quota, account, when_low, note;
  std::optional<std::string> time_zone, rpm, tpm, concurrency;
  std::optional<Texts> budgets, models, allow_ip, groups, tags;
  bool any() const {
    return rename || expires || not_before || quota || account || when_low || note || models || allow_ip || groups ||
           tags || budgets || time_zone || rpm || tpm || concurrency;
  }
};

template <class Text, class Value, class Parse>
Result<void> set(const std::optional<Text>& given, std::optional<Value>& member, Parse parse) {
  if (!given) return {};
  auto parsed = parse(*given);
  if (!parsed) return tl::unexpected(parsed.error());
  member = *std::move(parsed);
  return {};
}

auto list_of(const char* flag) {
  return [flag](const Texts& texts) { return parse_list_edit(flag, texts); };
}

auto rate_of(const char* flag) {
  return [flag](const std::string& text) { return parse_rate(flag, text); };
}

Result<TokenEdit> message_of(Context& context, const EditWords& words) {
  TokenEdit edit;
  edit.name = words.rename;
  edit.account = words.account;
  edit.when_low = words.when_low;
  edit.note = words.note;
  edit.time_zone = words.time_zone;
  if (words.rename) {
    if (auto good = base::check_name("token name", *words.rename); !good) return tl::unexpected(good.error());
  }
  const auto moment = [&](const std::string& text) { return base::parse_when(text, context.now); };
  const auto expiry = [&](const std::string& text) { return parse_expiry(text, context.now); };
  const auto quota = [](const std::string& text) { return parse_quota_edit(text); };
  const auto tags = [](const Texts& texts) { return parse_pairs_edit("--tag", texts); };
  for (const auto& done : {
           set(words.expires, edit.expires_at, expiry),
           set(words.not_before, edit.not_before, moment),
           set(words.quota, edit.quota, quota),
           set(words.budgets, edit.budgets, [](const Texts& texts) { return parse_budgets_edit("--budget", texts); }),
           set(words.rpm, edit.requests_per_minute, rate_of("--rpm")),
           set(words.tpm, edit.tokens_per_minute, rate_of("--tpm")),
           set(words.concurrency, edit.requests_at_once, rate_of("--concurrency")),
           set(words.models, edit.models, list_of("--models")),
           set(words.allow_ip, edit.allow_ip, list_of("--allow-ip")),
           set(words.groups, edit.groups, list_of("--group")),
           set(words.tags, edit.tags, tags),
       }) {
    if (!done) return tl::unexpected(done.error());
  }
  return edit;
}

Result<Exit> run_token_edit(Context& context, const EditWords& words) {
  if (!words.any()) {
    return base::fail(base::ErrorCode::invalid, "nothing to edit: name at least one setting",
                      "see 'crctl token edit --help'");
  }
  auto edit = message_of(context, words);
  if (!edit) return tl::unexpected(edit.error());
  std::string raw;
  auto edited =
      context.client().send<admin::TokenEdited>("PATCH", token_path(words.name), *edit, context.call_options(), &raw);
  if (!edited) return tl::unexpected(edited.error());
  if (edited->changes.empty()) context.output.note(fmt::format("token '{}': nothing to change", words.name));
  if (context.globals.dry_run && !edited->changes.empty()) context.output.note("nothing was changed (--dry-run):");
  auto printed = context.output.changes(edited->changes, token_object(raw));
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

Result<Exit> run_switch(Context& context, const Texts& names, bool enabled) {
  return context.each(names, [&](const std::string& name) -> Result<void> {
    TokenEdit edit;
    edit.enabled = enabled;
    std::string raw;
    auto edited =
        context.client().send<admin::TokenEdited>("PATCH", token_path(name), edit, context.call_options(), &raw);
    if (!edited) return tl::unexpected(edited.error());
    context.output.note(edited->changes.empty()
                            ? fmt::format("token '{}' is {} already", name, enabled ? "enabled" : "disabled")
                            : fmt::format("{}{} token '{}'", context.would(), enabled ? "enabled" : "disabled", name));
    return context.output.object(token_object(raw));
  });
}

void add_switch(Commands& commands, CLI::App& token, bool enabled) {
  auto names = std::make_shared<Texts>();
  const VerbText text = enabled ? VerbText{"enable", "Let disabled tokens work again.", {"crctl token enable ci"}, {}}
                                : VerbText{"disable",
                                           "Stop tokens at once, keeping everything.",
                                           {"crctl token disable ci", "crctl token disable a b --reason 'leaked'"},
                                           {}};
  CLI::App& verb = commands.verb(token, text, Effect::changes,
                                 [names, enabled](Context& context) { return run_switch(context, *names, enabled); });
  add_names(verb, "NAME", "TOKEN", "The tokens.", *names);
}

}  // namespace

void add_token_edit(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<EditWords>();
  CLI::App& verb =
      commands.verb(token,
                    {"edit",
                     "Change the settings named and no others.",
                     {"crctl token edit ci --quota +5 --expires 30d", "crctl token edit ci --models +gpt-4o,-o3-*"},
                     "A quota of +5 or -5 changes what the quota is then; --quota=-1 alone means unlimited\n"
                     "(a dollar less is -1.00). A changed budget keeps what was used of it. Raising the quota of\n"
                     "an exhausted token, or the expiry of an expired one, makes it work again at once."},
                    Effect::changes, [words](Context& context) { return run_token_edit(context, *words); });
  add_name(verb, "NAME", "TOKEN", "The token.", words->name);
  add_text(verb, "--rename", "NAME", "A new name.", words->rename);
  add_text(verb, "--expires", "WHEN", "30d from now, 2027-12-31, RFC 3339; never, none or -1 for no end.",
           words->expires);
  add_text(verb, "--quota", "AMOUNT", "A new quota, +5 or -5 to change it, or unlimited.", words->quota);
  add_texts(verb, "--budget", "AMOUNT/PERIOD",
            "A new limit as 5/day; +5/day or -5/day to change it; none/day; repeatable.", words->budgets);
  add_text(verb, "--time-zone", "ZONE", "Where its days begin, as Europe/Berlin.", words->time_zone);
  add_text(verb, "--rpm", "N", "Requests a minute, or unlimited.", words->rpm);
  add_text(verb, "--tpm", "N", "Model tokens a minute, or unlimited.", words->tpm);
  add_text(verb, "--concurrency", "N", "Requests at once, or unlimited.", words->concurrency);
  add_texts(verb, "--models", "LIST", "A new list, or +x,-y to change it; '' for all.", words->models);
  add_texts(verb, "--allow-ip", "LIST", "A new list, or +x,-y to change it; '' for all.", words->allow_ip);
  add_texts(verb, "--group", "GROUP", "A new group or groups, or +x,-y to change them.", words->groups);
  add_text(verb, "--account", "ACCOUNT", "Another account.", words->account);
  add_choice(verb, "--when-low", "clamp|refuse", "If credit is short: shorten the answer, or refuse.", words->when_low);
  add_texts(verb, "--tag", "K=V", "Set a tag; -K removes it; repeatable.", words->tags);
  add_text(verb, "--note", "TEXT", "A new note; '' for none.", words->note);
  add_text(verb, "--not-before", "WHEN", "Not valid before this time; none for at once.", words->not_before);
  add_switch(commands, token, true);
  add_switch(commands, token, false);
}

}  // namespace cr::crctl
