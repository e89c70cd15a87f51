// SPDX-License-Identifier: MIT
#include "crctl/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "crctl/arguments.h"

namespace cr::crctl {
namespace {

constexpr std::size_t k_left_columns_max = 26;
constexpr std::size_t k_columns = 80;

struct Entry {
  std::string left, right;
};

// "  left   right", the right part broken at blanks and kept in its column.
std::string columns_of(const std::vector<Entry>& entries) {
  std::size_t width = 0;
  for (const auto& entry : entries) {
    if (entry.left.size() <= k_left_columns_max) width = std::max(width, entry.left.size());
  }
  const std::size_t indent = width + 4;
  std::string out;
  for (const auto& entry : entries) {
    std::string line = "  " + entry.left;
    if (entry.left.size() > width) {
      out += line + "\n";
      line.clear();
    }
    line.resize(indent, ' ');
    for (const auto& word : base::split_list(entry.right, ' ')) {
      if (line.size() > indent && line.size() + word.size() + 1 > k_columns) {
        out += line + "\n";
        line.assign(indent, ' ');
      }
      if (line.size() > indent) line += ' ';
      line += word;
    }
    out += line + "\n";
  }
  return out;
}

std::string flag_label(const CLI::Option& option) {
  std::string label;
  for (const auto& name : option.get_snames()) label += (label.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) label += (label.empty() ? "--" : ", --") + name;
  if (takes_value(option)) label += " " + option.get_type_name();
  return label;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  return app.get_options([positional](const CLI::Option* option) {
    return option->get_positional() == positional && !option->get_group().empty();
  });
}

std::string usage_of(const CLI::App& app) {
  std::string usage = "Usage: " + spoken_path(app);
  if (!subcommand_names(app, Aliases::without).empty()) {
    return usage + (app.get_parent() == nullptr ? " NOUN VERB" : " VERB") + " [flags]\n";
  }
  for (const CLI::Option* option : options_of(app, true)) {
    std::string name = option->get_name(true, false);
    if (option->get_items_expected_max() > 1) name += "...";
    usage += option->get_required() ? " " + name : " [" + name + "]";
  }
  return usage + (options_of(app, false).empty() ? "" : " [flags]") + "\n";
}

std::string section(const std::string& title, const std::vector<Entry>& entries) {
  return entries.empty() ? std::string() : "\n" + title + ":\n" + columns_of(entries);
}

std::vector<Entry> entries_of(const std::vector<const CLI::Option*>& options) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : options) {
    const std::string left = option->get_positional() ? option->get_name(true, false) : flag_label(*option);
    entries.push_back({left, option->get_description()});
  }
  return entries;
}

std::vector<Entry> verbs_of(const CLI::App& app) {
  std::vector<Entry> entries;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_group().empty()) continue;
    std::string about = child->get_description();
    const auto verbs = subcommand_names(*child, Aliases::without);
    if (!verbs.empty()) {
      about = verbs.front();
      for (std::size_t i = 1; i < verbs.size(); ++i) about += ", " + verbs[i];
    }
    entries.push_back({child->get_name(), about});
  }
  return entries;
}

constexpr std::string_view k_values_topic = R"(How values are written

Money       20, $5, 0.25; 500000u is $1 in quota units. 'unlimited', 'none' and -1
            mean no limit. `edit --quota` also takes a change: +5 or -5 (-1 is still
            'unlimited' there; a dollar less is -1.00).
Durations   90s 30m 12h 30d 2w 3mo 1y, and 1h30m. A bare number or M is refused.
Times       2026-12-31 (00:00 UTC that day), 2026-12-31T23:59:59Z, or a duration from
            now. 'never', 'none' and -1 mean no expiry.
Lists       a,b,c, or the flag several times. `edit` also takes changes: +x,-y. Blank
            text ('') means no restriction; text that names nothing (',') is refused.
Names       1 to 64 of A-Z a-z 0-9 . _ - and not starting with - or a dot.
)";

constexpr std::string_view k_exit_topic = R"(Exit codes

  0  done                              11  conflict: it exists, or has changed
  1  failed                            12  the secret was not kept: rotate
  2  usage, or --yes is needed         13  some of several failed
  4  not permitted                     14  the check said no, or the books differ
  6  the configuration is invalid      15  timeout: look before trying again
  7  the daemon is not running         16  declined
 10  no such object                   130  interrupted
)";

constexpr std::string_view k_output_topic = R"(Output

On a terminal, a table; piped, the same columns separated by tabs with a header,
times as RFC 3339 in UTC and plain numbers. -o chooses: table, wide, json, jsonl,
csv, tsv, name. --json has every field: an array for a list, an object for one;
money as decimal strings, what is absent as null.

--fields a,b picks columns or JSON members; --fields=help lists them. --field NAME
prints one raw value. Errors go to stderr as 'error: ...' and 'hint: ...', with
--json as one object: code, message, hint, exit, request_id.

A new key alone goes to stdout, all else to stderr: KEY=$(crctl token create ci)
)";

}  // namespace

std::string help_text(const CLI::App& app) {
  std::string out = app.get_description() + "\n\n" + usage_of(app);
  const bool root = app.get_parent() == nullptr;
  out += section(root ? "Nouns and verbs" : "Verbs", verbs_of(app));
  out += section("Arguments", entries_of(options_of(app, true)));
  out += section(root ? "Global flags" : "Flags", entries_of(options_of(app, false)));
  if (!app.get_footer().empty()) out += "\n" + app.get_footer();
  if (root) {
    out += "\nTopics for 'crctl help TOPIC': ";
    for (const auto& topic : topic_names()) out += (topic == topic_names().front() ? "" : ", ") + topic;
    return out + ".\n";
  }
  const bool leaf = subcommand_names(app, Aliases::without).empty();
  return out + (leaf ? "\nFlags for every verb: crctl help flags\n"
                     : "\nMore about a verb: " + spoken_path(app) + " VERB --help\n");
}

std::string short_help() {
  return R"(crctl administers the Code Router daemon, crd.

Usage: crctl NOUN VERB [flags]

Examples:
  KEY=$(crctl token create ci --expires 30d --quota 20)
  crctl token list
  crctl usage --by day --since 7d

All nouns, verbs and flags: crctl --help
)";
}

std::vector<std::string> topic_names() {
  return {"flags", "values", "output", "exit-codes"};
}

std::optional<std::string> topic_text(std::string_view topic, const CLI::App& root) {
  if (topic == "flags")
    return "Flags for every verb, before or after it\n\n" + columns_of(entries_of(options_of(root, false)));
  if (topic == "values") return std::string(k_values_topic);
  if (topic == "output") return std::string(k_output_topic);
  if (topic == "exit-codes") return std::string(k_exit_topic);
  return std::nullopt;
}

}  // namespace cr::crctl
