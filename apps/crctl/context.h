// SPDX-License-Identifier: MIT
// Context: what a verb works with: the global flags, the output, the daemon's client, the time it started. One thread;
// lives for one command.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admin/client.h"
#include "crctl/exit.h"
#include "crctl/globals.h"
#include "crctl/listing.h"
#include "crctl/output.h"
#include "crctl/terminal.h"

namespace cr::crctl {

class Context {
 public:
  Context(const Globals& globals, const Terminal& terminal);

  const Globals& globals;
  const Terminal& terminal;
  Output output;
  const base::Time now;

  admin::Client& client();                  // made at the first call
  admin::CallOptions call_options() const;  // --dry-run, --reason, --if-rev
  View view(bool exact = false) const;
  View list_view() const { return view(globals.mode() == Mode::wide); }
  // "would " in front of what a dry run did not do.
  std::string_view would() const { return globals.dry_run ? "would have " : ""; }

  // Prints the error and gives its exit code: for exits that no ErrorCode stands for.
  Exit refuse(const base::Error& error, Exit exit);
  // Several names, one after the other: done if all went well, else the errors' own code or some_failed.
  // One that was named is answered by its own object and error; several, or those of a filter, by an array.
  template <class Action>
  base::Result<Exit> each(const std::vector<std::string>& names, Action action) {
    return names.size() == 1 ? only(names.front(), action) : every(names, action);
  }
  template <class Action>
  base::Result<Exit> only(const std::string& name, Action action);
  template <class Action>
  base::Result<Exit> every(const std::vector<std::string>& names, Action action);

 private:
  std::unique_ptr<admin::Client> client_;
};

inline constexpr std::chrono::milliseconds k_suggestion_timeout{300};

// A client of its own for what may take little time and may fail in silence: completion, "did you mean".
std::vector<std::string> names_within(const Globals& globals, std::string_view path, std::chrono::milliseconds limit);

// For an answer with nothing in it: a filter by a name that is not there (any more) is said on stderr. `noun`: "token".
void note_unknown_name(Context& context, const std::string& noun, const std::optional<std::string>& name);

template <class Action>
base::Result<Exit> Context::only(const std::string& name, Action action) {
  base::Result<void> done = action(name);
  if (!done) return tl::unexpected(done.error());
  return Exit::done;
}

template <class Action>
base::Result<Exit> Context::every(const std::vector<std::string>& names, Action action) {
  Exit worst = Exit::done;
  std::size_t failed = 0;
  output.begin_array();
  for (const auto& name : names) {
    base::Result<void> done = action(name);
    if (done) continue;
    // No other name would fare better.
    if (done.error().code == base::ErrorCode::unavailable) {
      static_cast<void>(output.end_array());
      return tl::unexpected(done.error());
    }
    const Exit exit = exit_of(done.error().code);
    worst = failed++ == 0 || worst == exit ? exit : Exit::some_failed;
    refuse(done.error(), exit);
  }
  if (auto ended = output.end_array(); !ended) return tl::unexpected(ended.error());
  return failed == 0 || failed == names.size() ? worst : Exit::some_failed;
}

}  // namespace cr::crctl
