// SPDX-License-Identifier: MIT
// crctl: reads the command line, runs one verb, and turns its Error into an exit code.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "base/hide_keys.h"
#include "base/text.h"
#include "crctl/arguments.h"
#include "crctl/commands.h"
#include "crctl/help.h"
#include "crctl/interrupt.h"

namespace {

using cr::base::Error;
using cr::base::ErrorCode;
using cr::base::fail;
using cr::base::Result;
using namespace cr::crctl;

constexpr int k_kept_bytes = 16 << 20;  // of freed memory

// A closed standard stream's number would be given to the next file or socket opened, and be written to. What is put
// there instead refuses: stdout is opened for reading.
void keep_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) std::exit(static_cast<int>(Exit::failed));
  }
}

Result<void> choose_zone(const Globals& globals) {
  if (globals.utc && globals.tz) return fail(ErrorCode::invalid, "--utc and --tz cannot be given together");
  if (!globals.utc && !globals.tz) return {};
  const std::string zone = globals.utc ? "UTC" : *globals.tz;
  // The C library takes an unknown zone for UTC without a word.
  const bool plain = !zone.empty() && zone.front() != '/' && zone.find("..") == std::string::npos;
  if (zone != "UTC" && (!plain || ::access(("/usr/share/zoneinfo/" + zone).c_str(), R_OK) != 0)) {
    return fail(ErrorCode::invalid, "no time zone named '" + zone + "'", "write one like Europe/Berlin, or --utc");
  }
  ::setenv("TZ", zone.c_str(), 1);
  ::tzset();
  return {};
}

Result<void> check_effect(const Globals& globals, const CLI::App& app, Effect effect) {
  const bool reads = effect == Effect::reads;
  const char* flag = reads && globals.dry_run                      ? "--dry-run"
                     : reads && globals.reason                     ? "--reason"
                     : effect != Effect::changes && globals.if_rev ? "--if-rev"
                                                                   : nullptr;
  if (flag != nullptr) {
    return fail(ErrorCode::invalid, std::string(flag) + " means nothing here: '" + spoken_path(app) + "' " +
                                        (reads ? "changes nothing" : "has no rev to compare"));
  }
  if (!reads && globals.wants_field_names()) {
    return fail(ErrorCode::invalid, "--fields=help is for what shows: '" + spoken_path(app) + "' changes something",
                "ask 'list' or 'show' instead");
  }
  return {};
}

// For a name that is not there: the nearest one that is, if the daemon says so soon enough. Which of the names on the
// command line that is, the daemon's list of them tells.
void suggest_name(Error& error, const Globals& globals, const CLI::App& app) {
  if (error.code != ErrorCode::not_found || error.hint.starts_with("did you mean")) return;
  for (const CLI::Option* option : app.get_options()) {
    const std::string what = option->get_type_name();
    const bool named = what == "TOKEN" || what == "CHANNEL" || what == "GROUP" || what == "ACCOUNT" || what == "MODEL";
    if (!named || option->results().empty()) continue;
    const auto known = names_within(globals, "/names/" + cr::base::to_lower_ascii(what) + "s", k_suggestion_timeout);
    for (const auto& name : option->results()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      if (const auto near = cr::base::nearest(name, known)) error.hint = "did you mean '" + *near + "'?";
    }
  }
}

Error verb_missing(const CLI::App& app) {
  std::string verbs;
  for (const auto& name : subcommand_names(app, Aliases::without)) verbs += (verbs.empty() ? "" : ", ") + name;
  return {ErrorCode::invalid, "'" + spoken_path(app) + "' needs a verb: " + verbs,
          "see '" + spoken_path(app) + " --help'"};
}

Result<Exit> print(Context& context, const std::string& text) {
  auto printed = context.output.text(text);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

Result<Exit> run(Context& context, Commands& commands, const ReadWords& words) {
  CLI::App& app = *words.app;
  if (words.help) return print(context, help_text(app, help_width(context.terminal)));
  if (context.globals.version) return print(context, "crctl " CR_VERSION "\n");
  if (&app == &commands.root()) return print(context, short_help());
  const Run* verb = commands.find_run(app);
  if (verb == nullptr) return tl::unexpected(verb_missing(app));
  if (auto good = choose_zone(context.globals); !good) return tl::unexpected(good.error());
  if (auto good = check_effect(context.globals, app, commands.effect_of(app)); !good)
    return tl::unexpected(good.error());
  auto done = (*verb)(context);
  if (!done) suggest_name(done.error(), context.globals, app);
  return done;
}

int run_crctl(const std::vector<std::string>& words) {
  Globals globals;
  globals.json = asks_for_json(words);
  Commands commands(globals);
  add_all(commands);
  const auto read = read_arguments(commands.root(), words);
  const Terminal terminal = detect_terminal(globals.colour_wish());
  Context context(globals, terminal);
  const Result<Exit> done = read ? run(context, commands, *read) : tl::unexpected(read.error());
  if (done) return static_cast<int>(*done);
  const Exit exit = exit_of(done.error().code);
  // Whoever closed the pipe (head, less) has seen enough.
  if (!context.output.pipe_broken()) context.output.error(done.error(), exit);
  return static_cast<int>(exit);
}

}  // namespace

int main(int count, char** words) {
  keep_standard_streams();
  install_interrupt();
  // A list's pages are of one size: their memory is used again rather than given back and asked for each time.
  ::mallopt(M_MMAP_THRESHOLD, k_kept_bytes);
  ::mallopt(M_TRIM_THRESHOLD, k_kept_bytes);
  try {
    return run_crctl(std::vector<std::string>(words + 1, words + count));
  } catch (const std::exception& error) {
    // Whatever was typed in another word's place may have been a key, and the text may quote it.
    const auto what = cr::base::escape_for_terminal(cr::base::hide_keys(error.what()));
    const auto text = "error: crctl failed unexpectedly: " + what + "\nhint: please report it, with the command line\n";
    static_cast<void>(cr::crctl::write_all(STDERR_FILENO, text));
  }
  return static_cast<int>(Exit::failed);
}
