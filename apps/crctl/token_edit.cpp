// SPDX-License-Identifier: MIT
// token edit, enable, disable.
#include <fmt/format.h>

#include "admin/token_fields.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/setting_flags.h"
#include "crctl/token.h"

namespace cr::crctl {
namespace {

using admin::TokenEdit;
using base::Result;

struct EditWords {
  std::string name;
  TypedSettings<decltype(admin::k_token_fields)> settings;
};

Result<TokenEdit> message_of(Context& context, const EditWords& words) {
  TokenEdit edit;
  auto read = read_edit(admin::k_token_fields, words.settings, context.now, edit);
  if (read && edit.name) read = base::check_name("token name", *edit.name);
  if (!read) return tl::unexpected(read.error());
  return edit;
}

Result<Exit> run_token_edit(Context& context, const EditWords& words) {
  if (!any_given(words.settings)) {
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
  CLI::App& verb = commands.verb(
      token,
      {"edit",
       "Change the settings named and no others.",
       {"crctl token edit ci --quota +5 --expires 30d", "crctl token edit ci --models +gpt-4o,-o3-*"},
       "A quota of +5 or -5 changes what the quota is then; -1 alone is refused: a dollar less is -1.00, and\n"
       "unlimited lifts the limit. A changed budget keeps what was used of it. Raising the quota of\n"
       "an exhausted token, or the expiry of an expired one, makes it work again at once."},
      Effect::changes, [words](Context& context) { return run_token_edit(context, *words); });
  add_name(verb, "NAME", "TOKEN", "The token.", words->name);
  add_setting_flags(verb, SettingVerb::edit, admin::k_token_fields, words->settings);
  add_switch(commands, token, true);
  add_switch(commands, token, false);
}

}  // namespace cr::crctl
