// SPDX-License-Identifier: MIT
#include "crctl/context.h"

#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "crctl/command_output.h"
#include "crctl/diagnosis.h"
#include "crctl/json_text.h"

namespace cr::crctl {

Context::Context(const Globals& given_globals, const Terminal& given_terminal)
    : globals(given_globals), terminal(given_terminal), output(globals, terminal), now(base::wall_now()) {}

admin::Client& Context::client() {
  if (!client_) {
    admin::Client::Options options;
    options.socket_path = socket_path(globals);
    options.timeout = globals.timeout;
    // The unit's daemon has that one.
    if (options.socket_path == k_system_socket) {
      options.not_running = [](base::Error& error) { add_unit(error, properties_of_unit().value_or("")); };
    }
    if (globals.debug) {
      options.trace = [](std::string_view line) {
        static_cast<void>(write_all(STDERR_FILENO, "debug: " + base::escape_for_terminal(line) + "\n"));
      };
    }
    client_ = std::make_unique<admin::Client>(std::move(options));
  }
  return *client_;
}

admin::CallOptions Context::call_options() const {
  admin::CallOptions options;
  options.dry_run = globals.dry_run;
  options.reason = globals.reason.value_or("");
  options.if_rev = globals.if_rev;
  return options;
}

View Context::view(bool exact) const {
  return {now, terminal.unicode, exact};
}

Exit Context::refuse(const base::Error& error, Exit exit) {
  output.error(error, exit);
  return exit;
}

std::vector<std::string> names_within(const Globals& globals, std::string_view path, std::chrono::milliseconds limit) {
  admin::Client::Options options;
  options.socket_path = socket_path(globals);
  options.timeout = limit;
  admin::Client client(std::move(options));
  const auto answer = client.call("GET", path);
  return answer ? string_items(answer->body, "names") : std::vector<std::string>();
}

void note_unknown_name(Context& context, const std::string& noun, const std::optional<std::string>& name) {
  if (!name) return;
  const auto names = names_within(context.globals, "/names/" + noun + "s", k_suggestion_timeout);
  const auto same = [&](const std::string& known) { return base::equals_ignoring_case(known, *name); };
  if (names.empty() || std::any_of(names.begin(), names.end(), same)) return;
  const auto near = base::nearest(*name, names);
  context.output.note("there is no " + noun + " named '" + *name + "'" +
                      (near ? ": did you mean '" + *near + "'?" : std::string()));
}

}  // namespace cr::crctl
