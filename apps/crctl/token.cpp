// SPDX-License-Identifier: MIT
// token check, delete, restore, budget-reset; and what the files of this noun share.
#include "crctl/token.h"

#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/interrupt.h"
#include "crctl/json_text.h"
#include "crctl/prompt.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::Result;

struct CheckWords {
  std::string name;
  std::optional<std::string> model, ip, cost;
};

Result<Exit> run_check(Context& context, const CheckWords& words) {
  admin::TokenCheck check;
  check.model = *words.model;
  check.ip = words.ip;
  if (words.cost) {
    auto cost = base::Credits::parse(*words.cost);
    if (!cost) return tl::unexpected(cost.error());
    check.cost = *cost;
  }
  std::string raw;
  auto verdict = context.client().send<admin::TokenVerdict>("POST", token_path(words.name) + "/check", check, {}, &raw);
  if (!verdict) return tl::unexpected(verdict.error());
  const Exit exit = verdict->allowed ? Exit::done : Exit::said_no;
  Result<void> printed;
  if (context.output.wants_data()) {
    printed = context.output.object(raw);
  } else if (!context.globals.quiet) {
    std::string text = verdict->allowed ? "allowed\n" : fmt::format("refused: {}\n", verdict->rule);
    if (!verdict->reason.empty()) text += "  " + base::escape_for_terminal(verdict->reason) + "\n";
    if (!verdict->setting.empty()) text += "  to change: " + base::escape_for_terminal(verdict->setting) + "\n";
    if (!verdict->channels.empty()) text += "  channels: " + base::escape_for_terminal(join(verdict->channels)) + "\n";
    printed = context.output.text(text);
  }
  if (!printed) return tl::unexpected(printed.error());
  return exit;
}

// What a person should know before a token goes: when it was last of use.
Result<std::string> delete_question(Context& context, const Texts& names) {
  if (names.size() > 1) return fmt::format("delete {} tokens ({})?", names.size(), join(names));
  auto token = context.client().get<admin::Token>(token_path(names.front()));
  if (!token) return tl::unexpected(token.error());
  const std::string used =
      token->last_used_at ? "last used " + distance_text(*token->last_used_at, context.now) : std::string("never used");
  return fmt::format("delete token '{}' ({})?", names.front(), used);
}

Result<Exit> run_token_delete(Context& context, const Texts& names) {
  if (!context.globals.dry_run) {
    std::string question = fmt::format("delete token '{}'?", names.front());
    if (!context.globals.yes && context.terminal.in_tty && !context.globals.no_input) {
      auto better = delete_question(context, names);
      if (!better) return tl::unexpected(better.error());
      question = *better;
    }
    const auto answer = confirm(context, question);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer == Answer::no)
      return context.refuse({base::ErrorCode::refused, "nothing was deleted", {}}, Exit::declined);
  }
  return context.each(names, [&](const std::string& name) -> Result<void> {
    auto done = context.client().call("DELETE", token_path(name), {}, context.call_options());
    if (!done) return tl::unexpected(done.error());
    context.output.note(fmt::format("{}deleted token '{}'", context.would(), name));
    if (!context.globals.dry_run) {
      context.output.note(fmt::format("for 7 days, crctl token restore {} brings it back; its key stays dead", name));
    }
    return context.output.object(done->body);
  });
}

Result<Exit> run_budget_reset(Context& context, const Texts& names, const std::optional<std::string>& period) {
  return context.each(names, [&](const std::string& name) -> Result<void> {
    admin::BudgetReset reset;
    reset.period = period;
    std::string raw;
    auto done = context.client().send<admin::Token>("POST", token_path(name) + "/budget-reset", reset,
                                                    context.call_options(), &raw);
    if (!done) return tl::unexpected(done.error());
    for (const auto& budget : done->budgets) {
      if (period && budget.period != *period) continue;
      context.output.note(fmt::format("{}reset the {}'s budget of token '{}': {} left until {}", context.would(),
                                      budget.period, name, money_text(budget.left),
                                      when_text(budget.resets_at, context.view())));
    }
    return context.output.object(raw);
  });
}

Result<Exit> run_restore(Context& context, const Texts& names) {
  return context.each(names, [&](const std::string& name) -> Result<void> {
    auto done = context.client().call("POST", token_path(name) + "/restore", "{}", context.call_options());
    if (!done) return tl::unexpected(done.error());
    context.output.note(fmt::format("{}restored token '{}'; give it a key with: crctl token rotate {} --now",
                                    context.would(), name, name));
    return context.output.object(done->body);
  });
}

}  // namespace

std::string token_path(std::string_view name) {
  return "/tokens/" + admin::encode_segment(name);
}

std::string token_object(std::string_view answer) {
  const std::string token = member_json(answer, "token");
  return token.empty() ? std::string(answer) : token;
}

Result<Exit> deliver_key(Context& context, KeySink& sink, NewKey& key, const TakeBack& take_back) {
  const bool interrupted = was_interrupted();
  Result<void> written;
  if (!interrupted) written = sink.write(key.key, key.token_json);
  base::wipe(key.key);
  if (!interrupted && written) return Exit::done;
  const std::string why = interrupted ? "interrupted" : written.error().message;
  const Exit exit = interrupted ? Exit::interrupted : Exit::failed;
  const auto taken_back = take_back();
  if (taken_back) {
    return context.refuse(
        {base::ErrorCode::internal, fmt::format("{}: the new key of '{}' was revoked", why, key.token),
         "nothing uses it; run the command again"},
        exit);
  }
  return context.refuse(
      {base::ErrorCode::internal,
       fmt::format("{}; and the new key of '{}' could not be revoked: {}", why, key.token, taken_back.error().message),
       fmt::format("nobody has that key; look with: crctl token show {}", key.token)},
      exit);
}

void add_token_rest(Commands& commands, CLI::App& token) {
  auto check = std::make_shared<CheckWords>();
  CLI::App& check_verb = commands.verb(
      token,
      {"check",
       "Would a request be allowed, and if not, which setting refuses it? Exit 0 or 14.",
       {"crctl token check ci --model gpt-4o", "crctl token check ci --model gpt-4o --ip 10.0.0.7 --cost 0.10"},
       {}},
      Effect::reads, [check](Context& context) { return run_check(context, *check); });
  add_name(check_verb, "NAME", "TOKEN", "The token.", check->name);
  require(add_text(check_verb, "--model", "MODEL", "The model asked for (required).", check->model));
  add_text(check_verb, "--ip", "ADDRESS", "The client's address.", check->ip);
  add_text(check_verb, "--cost", "AMOUNT", "What the request would cost.", check->cost);

  auto doomed = std::make_shared<Texts>();
  CLI::App& delete_verb =
      commands.verb(token,
                    {"delete",
                     "Delete tokens at once; 'restore' brings them back for 7 days.",
                     {"crctl token delete old-ci", "crctl token delete a b c --yes"},
                     {}},
                    Effect::changes, [doomed](Context& context) { return run_token_delete(context, *doomed); });
  add_names(delete_verb, "NAME", "TOKEN", "The tokens.", *doomed);

  auto restored = std::make_shared<Texts>();
  CLI::App& restore_verb = commands.verb(
      token,
      {"restore", "Bring deleted tokens back; their keys stay dead, so rotate them.", {"crctl token restore ci"}, {}},
      Effect::adds, [restored](Context& context) { return run_restore(context, *restored); });
  add_names(restore_verb, "NAME", "TOKEN", "The tokens.", *restored);
}

namespace {

void add_budget_reset(Commands& commands, CLI::App& token) {
  auto names = std::make_shared<Texts>();
  auto period = std::make_shared<std::optional<std::string>>();
  CLI::App& reset = commands.verb(
      token,
      {"budget-reset",
       "Give back what was used of a token's budgets in the period that is now.",
       {"crctl token budget-reset ci --period day"},
       "The period goes on to its end; what runs stays reserved."},
      Effect::adds, [names, period](Context& context) { return run_budget_reset(context, *names, *period); });
  add_names(reset, "NAME", "TOKEN", "The tokens.", *names);
  add_choice(reset, "--period", "day|week|month", "Only this budget (all).", *period);
}

}  // namespace

void add_token(Commands& commands) {
  CLI::App& token = commands.noun("token", "API tokens: what clients of /v1 authenticate with.");
  add_token_list(commands, token);
  add_token_create(commands, token);
  add_token_edit(commands, token);
  add_token_rotate(commands, token);
  add_token_keys(commands, token);
  add_token_rest(commands, token);
  add_budget_reset(commands, token);
  add_usage_of(commands, token, "token", "TOKEN");
}

}  // namespace cr::crctl
