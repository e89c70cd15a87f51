// SPDX-License-Identifier: MIT
#include "crctl/topics.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "base/text.h"

namespace cr::crctl {
namespace {

constexpr std::size_t k_left_columns_max = 26;
constexpr std::size_t k_right_columns_min = 24;  // with less beside its left part, a right one has lines of its own
constexpr std::size_t k_own_line_indent = 6;

void append_words(std::string& out, std::string line, std::size_t indent, std::string_view text, std::size_t width) {
  for (const auto& word : base::split_list(text, ' ')) {
    if (line.size() > indent && line.size() + word.size() + 1 > width) {
      out += line + "\n";
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  out += line + "\n";
}

// A left part, which may be a long choice: "--sort name|used|...", broken behind its '|'.
std::string left_lines(std::string_view left, std::size_t width) {
  std::string out = "  ";
  std::size_t used = out.size();
  while (used + left.size() > width) {
    const auto bar = left.rfind('|', width - used - 1);
    if (bar == std::string_view::npos) break;
    out += std::string(left.substr(0, bar + 1)) + "\n" + std::string(k_own_line_indent, ' ');
    left.remove_prefix(bar + 1);
    used = k_own_line_indent;
  }
  return out.append(left);
}

// A part of a topic: a paragraph; a word and what it means; or, with no text, an example that stays on its line.
struct Part {
  std::string_view left, text;
};
struct Topic {
  std::string_view name, title;
  std::span<const Part> parts;
};

constexpr std::string_view k_paragraph;  // no left part

constexpr Part k_values[] = {
    {"Money",
     "20, $5, 0.25; 500000u is $1 in quota units. 'unlimited', 'none' and -1 mean no limit. 'edit --quota' also "
     "takes a change: +5 or -5 (-1 is refused there; a dollar less is -1.00)."},
    {"Durations", "90s 30m 12h 30d 2w 3mo 1y, and 1h30m. A bare number or M is refused."},
    {"Times",
     "2026-12-31 (00:00 UTC that day; of an expiry the end of that day, in the zone of --tz), 2026-12-31T23:59:59Z, or "
     "a duration from now. 'never', 'none' and -1 mean "
     "no expiry."},
    {"Lists",
     "a,b,c, or the flag several times. 'edit' also takes changes: +x,-y. Blank text ('') means no restriction; "
     "text that names nothing (',') is refused."},
    {"Names", "1 to 64 of A-Z a-z 0-9 . _ - and not starting with - or a dot."}};

constexpr Part k_output[] = {
    {k_paragraph,
     "On a terminal, a table; piped, the same columns separated by tabs with a header, times as RFC 3339 in UTC "
     "and plain numbers. -o chooses: table, wide, json, jsonl, csv, tsv, name. --json has every field: an array "
     "for a list, an object for one; money as decimal strings, what is absent as null."},
    {k_paragraph,
     "--fields a,b picks columns or JSON members; --fields=help lists them. --field NAME prints one raw value. "
     "Errors go to stderr as 'error: ...' and 'hint: ...', with --json as one object: code, message, hint, exit, "
     "request_id."},
    {k_paragraph, "A new key alone goes to stdout, all else to stderr:"},
    {"KEY=$(crctl token create ci)", {}}};

constexpr Part k_exit_codes[] = {{"0", "done"},
                                 {"1", "failed"},
                                 {"2", "usage, or --yes is needed"},
                                 {"4", "not permitted"},
                                 {"6", "the configuration is invalid"},
                                 {"7", "the daemon is not running"},
                                 {"10", "no such object"},
                                 {"11", "conflict: it exists, or has changed"},
                                 {"12", "the secret was not kept: rotate"},
                                 {"13", "some of several failed"},
                                 {"14", "the check said no, or the books differ"},
                                 {"15", "timeout: look before trying again"},
                                 {"16", "declined"},
                                 {"130", "interrupted"}};

constexpr Part k_rotation[] = {
    {k_paragraph,
     "A token has two keys while it rotates: the new one, and the old one until its grace ends (24h). Its name, "
     "settings, budgets and usage stay. So the new key can reach whoever uses it before the old one stops."},
    {"KEY=$(crctl token rotate ci --grace 7d)", {}},
    {k_paragraph,
     "'token show' says when and from where the old key was last used. End its grace early, which is refused while "
     "the key is in use, or take the new key back:"},
    {"crctl token rotate ci --finish", {}},
    {"crctl token rotate ci --undo", {}},
    {k_paragraph,
     "A key that has leaked is ended at once: 'token rotate --now' makes the new one first, 'token disable' stops "
     "the token and keeps everything. A script that runs daily rotates what is old; see "
     "examples/rotate-keys.sh."}};

constexpr Part k_time[] = {
    {k_paragraph,
     "Tables show local times, by TZ, --tz or --utc; what is piped and JSON show UTC as RFC 3339. crd counts in "
     "UTC, but for a token's budgets: their days begin at midnight in the zone of the token (--time-zone)."},
    {k_paragraph,
     "--since and --until take a duration back from now (7d), a date or a time; an expiry takes a duration from "
     "now. In durations a month (mo) is 30 days and a year 365; the periods of budgets are the calendar's."}};

constexpr Part k_money[] = {
    {k_paragraph,
     "A quota is dollars on the provider's invoice. Amounts are whole nano-dollars, so that nothing is rounded "
     "away; tables show as many digits as matter, JSON all of them."},
    {"quota", "what a token may spend in all; it does not come back"},
    {"budget", "what it may spend in a day, a week or a month, each beginning anew"},
    {"reserved", "the most that running requests can cost; given back but for what they used"},
    {"used", "what finished requests cost"},
    {"left", "the quota less both"},
    {k_paragraph,
     "A request whose most does not fit what is left has its answer shortened, or is refused "
     "(--when-low clamp|refuse). 'request show' shows how a cost came about, 'price quote' what one would be, "
     "'reconcile' compares the books with the provider's."}};

constexpr Part k_scripting[] = {
    {k_paragraph,
     "Exit codes tell apart what went wrong ('crctl help exit-codes'). --json gives one value; --field NAME one "
     "raw value; -q only names. --no-input never asks, --yes confirms what cannot be undone."},
    {"crctl token show ci --field left", {}},
    {"crctl token list --status exhausted -q", {}},
    {"crctl token check ci --model gpt-4o --json", {}},
    {k_paragraph,
     "A change that was sent twice is made once with --idempotency-key; one that must not meet another's names the "
     "revision it was made for (--if-rev). --reason TEXT stands in the audit. -n shows what a change would do, as "
     "the daemon sees it. Keys are read from stdin or a file, never from arguments."}};

constexpr Part k_environment[] = {
    {"CRCTL_SOCKET", "the admin socket, as --socket"},
    {"TZ", "the zone of the times in tables, as --tz"},
    {"NO_COLOR, CLICOLOR_FORCE", "never, or always, colours, as --color"},
    {"TERM, COLUMNS", "what the terminal can, and its width"},
    {"LC_ALL, LC_CTYPE, LANG", "whether tables may use more than ASCII"},
    {k_paragraph, "No key is ever read from it: others can see the environment of a process."}};

constexpr Topic k_topics[] = {
    {"values", "How values are written", k_values},
    {"output", "Output", k_output},
    {"exit-codes", "Exit codes", k_exit_codes},
    {"rotation", "Giving a token a new key without a failed request", k_rotation},
    {"time", "Time", k_time},
    {"money", "Money", k_money},
    {"scripting", "Scripts", k_scripting},
    {"environment", "What crctl reads of its environment", k_environment},
};

}  // namespace

std::string columns_of(const std::vector<Entry>& entries, std::size_t width) {
  std::size_t left = 0;
  for (const auto& entry : entries) {
    if (entry.left.size() <= k_left_columns_max) left = std::max(left, entry.left.size());
  }
  const bool beside = left + 4 + k_right_columns_min <= width;
  const std::size_t indent = beside ? left + 4 : k_own_line_indent;
  std::string out;
  for (const auto& entry : entries) {
    std::string line = left_lines(entry.left, width);
    if (!beside || entry.left.size() > left) {
      out += line + "\n";
      line.clear();
    }
    line.resize(indent, ' ');
    append_words(out, std::move(line), indent, entry.right, width);
  }
  return out;
}

std::string paragraph_of(std::string_view text, std::size_t width) {
  std::string out;
  append_words(out, {}, 0, text, width);
  return out;
}

std::vector<std::string> written_topics() {
  std::vector<std::string> names;
  for (const auto& topic : k_topics) names.emplace_back(topic.name);
  return names;
}

std::optional<std::string> written_topic(std::string_view topic, std::size_t width) {
  const auto found =
      std::find_if(std::begin(k_topics), std::end(k_topics), [&](const Topic& one) { return one.name == topic; });
  if (found == std::end(k_topics)) return std::nullopt;
  std::string out = paragraph_of(found->title, width);
  std::vector<Entry> entries;  // that come one after the other
  const auto end_entries = [&] {
    if (!entries.empty()) out += "\n" + columns_of(entries, width);
    entries.clear();
  };
  bool after_example = false;
  for (const auto& [left, text] : found->parts) {
    const bool is_example = text.empty();
    if (!left.empty() && !is_example) {
      entries.push_back({std::string(left), std::string(text)});
      continue;
    }
    end_entries();
    if (is_example) {
      out += (after_example ? "  " : "\n  ") + std::string(left) + "\n";
    } else {
      out += "\n" + paragraph_of(text, width);
    }
    after_example = is_example;
  }
  end_entries();
  return out;
}

}  // namespace cr::crctl
