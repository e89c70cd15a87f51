// SPDX-License-Identifier: MIT
// The noun `config`.

#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/prompt.h"

namespace cr::crctl {
namespace {

using base::Result;

Result<Exit> print_checked(Context& context, const admin::ConfigChecked& checked, const std::string& raw,
                           const std::string& good) {
  if (context.output.wants_data()) {
    auto printed = context.output.object(raw);
    if (!printed) return tl::unexpected(printed.error());
    return checked.ok ? Exit::done : Exit::config_invalid;
  }
  if (checked.ok) {
    context.output.note(checked.message.empty() ? good : good + ": " + checked.message);
    return Exit::done;
  }
  return context.refuse({base::ErrorCode::invalid, checked.message, {}}, Exit::config_invalid);
}

Result<Exit> run_check(Context& context, const std::optional<std::string>& file) {
  admin::ConfigCheck check;
  if (file) {
    auto text = read_text(*file);
    if (!text) return tl::unexpected(text.error());
    // No text at all would mean the daemon's own file; an empty file is a configuration like any other.
    check.text = text->empty() ? "\n" : *std::move(text);
    check.name = *file == "-" ? "stdin" : *file;
  }
  std::string raw;
  auto checked = context.client().send<admin::ConfigChecked>("POST", "/config/check", check, {}, &raw);
  if (!checked) return tl::unexpected(checked.error());
  return print_checked(context, *checked, raw, "the configuration is good");
}

Result<Exit> run_reload(Context& context) {
  std::string raw;
  auto reloaded = context.client().send<admin::ConfigChecked>("POST", "/config/reload", admin::Empty{},
                                                              context.call_options(), &raw);
  if (!reloaded) return tl::unexpected(reloaded.error());
  return print_checked(context, *reloaded, raw,
                       context.globals.dry_run ? "the configuration is good" : "the configuration is in force");
}

}  // namespace

void add_config(Commands& commands) {
  CLI::App& config = commands.noun("config", "The daemon's configuration file.");
  auto file = std::make_shared<std::optional<std::string>>();
  CLI::App& check = commands.verb(config,
                                  {"check",
                                   "Check a configuration without using it. Exit 0 or 6.",
                                   {"crctl config check", "crctl config check /etc/crd/crd.toml.new"},
                                   {}},
                                  Effect::reads, [file](Context& context) { return run_check(context, *file); });
  add_text(check, "FILE", "FILE", "The file, - for stdin; without it, the daemon's own.", *file);
  commands.verb(
      config,
      {"reload", "Let the daemon read its configuration again: all of it or nothing.", {"crctl config reload"}, {}},
      Effect::adds, run_reload);
}

}  // namespace cr::crctl
