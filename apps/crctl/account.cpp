// SPDX-License-Identifier: MIT
// The noun `account`.
#include <fmt/format.h>

#include "admin/account_fields.h"
#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/record_columns.h"
#include "crctl/setting_flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Account;
using base::Result;

struct Words {
  std::string name;
  TypedSettings<decltype(admin::k_account_fields)> settings;
};
struct CreditWords {
  std::string name, amount;
};

std::string path_of(std::string_view name) {
  return "/accounts/" + admin::encode_segment(name);
}

const RecordKind<Account>& account_kind() {
  using T = const Account&;
  using V = const View&;
  static const RecordKind<Account> k_kind{
      "account",
      columns_of<Account, admin::k_account_fields>(
          {
              {{"name"}},
              {{"status"}, [](T a, V) { return status_cell(a.enabled ? "enabled" : "disabled"); }},
              {{"used", Align::right, 3}, [](T a, V) { return money_cell(a.used); }},
              {{"reserved", Align::right, 8, From::wide}, [](T a, V) { return money_cell(a.reserved); }},
              {{"quota", Align::right, 4}},
              {{"left", Align::right}, [](T a, V) { return quota_cell(a.left); }},
              {{"left_bar", Align::left, 9, From::list, true},
               [](T a, V v) { return quota_bar_cell(a.left, a.quota, v); }},
              {{"tokens", Align::right, 5}, [](T a, V) { return count_cell(a.tokens); }},
              {{"note", Align::left, 8, From::wide}},
              {{"created", Align::left, 9, From::detail}, [](T a, V v) { return past_cell(a.created_at, v); }},
              {{"id", Align::right, 9, From::detail}, [](T a, V) { return text_cell(std::to_string(a.id)); }},
              {{"rev", Align::right, 9, From::detail}, [](T a, V) { return text_cell(std::to_string(a.rev)); }},
          },
          "created"),
      [](T a) { return a.name; }};
  return k_kind;
}

Result<Exit> run_create(Context& context, const Words& words) {
  if (auto good = base::check_name("account name", words.name); !good) return tl::unexpected(good.error());
  admin::AccountCreate create;
  create.name = words.name;
  auto read = read_create(admin::k_account_fields, words.settings, context.now, create, [](std::string_view) {});
  if (!read) return tl::unexpected(read.error());
  std::string raw;
  auto created = context.client().send<Account>("POST", "/accounts", create, context.call_options(), &raw);
  if (!created) return tl::unexpected(created.error());
  return print_done(context,
                    fmt::format("{}created account '{}', quota {}", context.would(), created->name,
                                created->quota ? created->quota->to_display() : "unlimited"),
                    raw);
}

Result<Exit> run_account_edit(Context& context, const Words& words) {
  if (!any_given(words.settings)) {
    return base::fail(base::ErrorCode::invalid, "nothing to edit: name at least one setting",
                      "see 'crctl account edit --help'");
  }
  admin::AccountEdit edit;
  auto read = read_edit(admin::k_account_fields, words.settings, context.now, edit);
  if (!read) return tl::unexpected(read.error());
  return run_edit<Account>(context, fmt::format("account '{}'", words.name), path_of(words.name), edit);
}

Result<Exit> run_switch(Context& context, const Texts& names, bool enabled) {
  return context.each(names, [&](const std::string& name) -> Result<void> {
    admin::AccountEdit edit;
    edit.enabled = enabled;
    std::string raw;
    auto done = context.client().send<Account>("PATCH", path_of(name), edit, context.call_options(), &raw);
    if (!done) return tl::unexpected(done.error());
    context.output.note(fmt::format("{}{} account '{}'", context.would(), enabled ? "enabled" : "disabled", name));
    return context.output.object(raw);
  });
}

Result<Exit> run_credit(Context& context, const CreditWords& words) {
  std::string_view typed = words.amount;
  if (typed.starts_with("+")) typed.remove_prefix(1);
  auto amount = base::Credits::parse_signed(typed);
  if (!amount) return tl::unexpected(amount.error());
  std::string raw;
  auto credited = context.client().send<Account>("POST", path_of(words.name) + "/credit", admin::AccountCredit{*amount},
                                                 context.call_options(), &raw);
  if (!credited) return tl::unexpected(credited.error());
  const auto shown = [](const admin::Quota& quota) { return quota ? quota->to_display() : std::string("unlimited"); };
  return print_done(context,
                    fmt::format("account '{}': quota {}, left {}{}", credited->name, shown(credited->quota),
                                shown(credited->left), context.globals.dry_run ? " (not changed: --dry-run)" : ""),
                    raw);
}

void add_switch(Commands& commands, CLI::App& account, bool enabled) {
  auto names = std::make_shared<Texts>();
  const VerbText text =
      enabled ? VerbText{"enable", "Let an account's tokens work again.", {"crctl account enable acme"}, {}}
              : VerbText{"disable", "Stop all tokens of an account at once.", {"crctl account disable acme"}, {}};
  CLI::App& verb = commands.verb(account, text, Effect::changes,
                                 [names, enabled](Context& context) { return run_switch(context, *names, enabled); });
  add_names(verb, "NAME", "ACCOUNT", "The accounts.", *names);
}

void add_credit(Commands& commands, CLI::App& account) {
  auto words = std::make_shared<CreditWords>();
  CLI::App& verb = commands.verb(account,
                                 {"credit",
                                  "Add to an account's quota; a negative amount takes away.",
                                  {"crctl account credit acme 25", "crctl account credit acme -5"},
                                  {}},
                                 Effect::changes, [words](Context& context) { return run_credit(context, *words); });
  add_name(verb, "NAME", "ACCOUNT", "The account.", words->name);
  add_name(verb, "AMOUNT", "AMOUNT", "Dollars: 25, $0.50, -5.", words->amount);
}

}  // namespace

void add_account(Commands& commands) {
  CLI::App& account = commands.noun("account", "Accounts: the purses that tokens draw on.");
  commands.verb(account, {"list", "List accounts.", {"crctl account list"}, {}}, Effect::reads, [](Context& context) {
    return run_list<Account>(context, account_kind(), {plain_pages("/accounts"), {}, {}});
  });
  auto shown = std::make_shared<std::string>();
  CLI::App& show =
      commands.verb(account, {"show", "Show all about an account.", {"crctl account show default"}, {}}, Effect::reads,
                    [shown](Context& context) { return run_show(context, account_kind(), path_of(*shown)); });
  add_name(show, "NAME", "ACCOUNT", "The account.", *shown);

  auto made = std::make_shared<Words>();
  CLI::App& create =
      commands.verb(account, {"create", "Create an account.", {"crctl account create acme --quota 100"}, {}},
                    Effect::adds, [made](Context& context) { return run_create(context, *made); });
  add_name(create, "NAME", "NAME", "The new account's name.", made->name);
  add_setting_flags(create, SettingVerb::create, admin::k_account_fields, made->settings);

  auto edited = std::make_shared<Words>();
  CLI::App& edit = commands.verb(
      account, {"edit", "Change the settings named and no others.", {"crctl account edit acme --quota +50"}, {}},
      Effect::changes, [edited](Context& context) { return run_account_edit(context, *edited); });
  add_name(edit, "NAME", "ACCOUNT", "The account.", edited->name);
  add_setting_flags(edit, SettingVerb::edit, admin::k_account_fields, edited->settings);

  add_switch(commands, account, true);
  add_switch(commands, account, false);
  add_credit(commands, account);

  auto doomed = std::make_shared<Texts>();
  CLI::App& remove = commands.verb(
      account, {"delete", "Delete accounts that no token draws on.", {"crctl account delete acme"}, {}},
      Effect::changes, [doomed](Context& context) { return run_delete(context, "account", "/accounts", *doomed); });
  add_names(remove, "NAME", "ACCOUNT", "The accounts.", *doomed);
  add_usage_of(commands, account, "account", "ACCOUNT");
}

}  // namespace cr::crctl
