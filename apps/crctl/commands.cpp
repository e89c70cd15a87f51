// SPDX-License-Identifier: MIT
#include "crctl/commands.h"

#include <CLI/CLI.hpp>
#include <array>
#include <utility>

#include "crctl/flags.h"

namespace cr::crctl {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 4> k_verb_aliases{
    {{"list", "ls"}, {"delete", "rm"}, {"show", "get"}, {"edit", "set"}}};

void add_global_flags(CLI::App& root, Globals& globals) {
  root.add_flag("-h,--help", globals.help, "Show help for the noun or verb.");
  root.add_flag("--version", globals.version, "Show crctl's version.");
  add_text(root, "--socket", "FILE", "The daemon's admin socket (or CRCTL_SOCKET).", globals.socket);
  add_duration(root, "--timeout", "DURATION", "How long to wait for the daemon (10s).", globals.timeout);
  add_choice(root, "-o,--output", "table|wide|json|jsonl|csv|tsv|name",
             "Form of the answer; a table on a terminal, else tab-separated.", globals.output);
  root.add_flag("--json", globals.json, "The same as -o json: every field.");
  add_comma_list(root, "--fields", "A,B", "Only these fields, in this order; 'help' lists them.", globals.fields);
  add_text(root, "--field", "NAME", "The raw value of one field, such as id or keys.0.first.", globals.field);
  root.add_flag("-q,--quiet", globals.quiet, "Names only for lists; no notes for changes.");
  root.add_flag("--no-header", globals.no_header, "No line of column names.");
  root.add_flag("-y,--yes", globals.yes, "Confirm a deletion without being asked.");
  root.add_flag("--no-input", globals.no_input, "Never ask; fail where an answer is needed.");
  root.add_flag("-n,--dry-run", globals.dry_run, "Let the daemon check a change without making it.");
  add_text(root, "--reason", "TEXT", "Why, for the audit.", globals.reason);
  add_number(root, "--if-rev", "REV", "Change only if the object still has this rev.", globals.if_rev);
  add_choice(root, "--color", "auto|always|never", "Colours (auto; NO_COLOR and CLICOLOR_FORCE are obeyed).",
             globals.color);
  root.add_flag("--utc", globals.utc, "Show times in UTC.");
  add_text(root, "--tz", "ZONE", "Show times in this zone, such as Europe/Berlin.", globals.tz);
  root.add_flag("--debug", globals.debug, "Trace the talk with the daemon on stderr, keys redacted.");
}

}  // namespace

Commands::Commands(Globals& globals)
    : root_(std::make_unique<CLI::App>("Administer the Code Router daemon, crd.", "crctl")) {
  root_->set_help_flag();
  root_->option_defaults()->group("Global flags");
  add_global_flags(*root_, globals);
  root_->option_defaults()->group("Flags");
}

Commands::~Commands() = default;

CLI::App& Commands::noun(const std::string& name, const std::string& about) {
  CLI::App* app = root_->add_subcommand(name, about);
  app->alias(name + "s");
  app->set_help_flag();
  return *app;
}

CLI::App& Commands::verb(CLI::App& noun, const VerbText& text, Effect effect, Run run) {
  CLI::App& app = leaf(noun, text, effect, std::move(run));
  for (const auto& [name, alias] : k_verb_aliases) {
    if (text.name == name) app.alias(alias);
  }
  return app;
}

CLI::App& Commands::word(const VerbText& text, Effect effect, Run run) {
  return leaf(*root_, text, effect, std::move(run));
}

CLI::App& Commands::leaf(CLI::App& parent, const VerbText& text, Effect effect, Run run) {
  CLI::App* app = parent.add_subcommand(text.name, text.about);
  app->set_help_flag();
  app->option_defaults()->group("Flags");
  std::string footer;
  if (!text.more.empty()) footer += text.more + "\n";
  if (!text.examples.empty()) {
    if (!footer.empty()) footer += "\n";
    footer += "Examples:\n";
    for (const auto& example : text.examples) footer += "  " + example + "\n";
  }
  app->footer(footer);
  entries_[app] = {effect, std::move(run)};
  return *app;
}

const Run* Commands::find_run(const CLI::App& app) const {
  const auto found = entries_.find(&app);
  return found == entries_.end() ? nullptr : &found->second.run;
}

Effect Commands::effect_of(const CLI::App& app) const {
  const auto found = entries_.find(&app);
  return found == entries_.end() ? Effect::reads : found->second.effect;
}

void add_all(Commands& commands) {
  add_token(commands);
  add_channel(commands);
  add_group(commands);
  add_account(commands);
  add_price(commands);
  add_model(commands);
  add_route(commands);
  add_usage(commands);
  add_reconcile(commands);
  add_request(commands);
  add_audit(commands);
  add_config(commands);
  add_status(commands);
  add_doctor(commands);
  add_metrics(commands);
  add_api(commands);
  add_completion(commands);
  add_help(commands);
}

}  // namespace cr::crctl
