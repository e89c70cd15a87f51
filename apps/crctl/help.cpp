// SPDX-License-Identifier: MIT
#include "crctl/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "crctl/arguments.h"
#include "crctl/topics.h"

namespace cr::crctl {
namespace {

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

std::string section(const std::string& title, const std::vector<Entry>& entries, std::size_t width) {
  return entries.empty() ? std::string() : "\n" + title + ":\n" + columns_of(entries, width);
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

// Paragraphs are broken anew, examples stay as they are.
std::string footer_of(const CLI::App& app, std::size_t width) {
  std::string out, paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) out += paragraph_of(paragraph, width);
    paragraph.clear();
  };
  const std::string footer = app.get_footer();
  for (std::size_t from = 0; from < footer.size();) {
    const auto end = std::min(footer.find('\n', from), footer.size());
    const auto line = std::string_view(footer).substr(from, end - from);
    from = end + 1;
    if (line.empty() || line.starts_with(' ') || line.ends_with(':')) {
      end_paragraph();
      out += std::string(line) + "\n";
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + std::string(line);
    }
  }
  end_paragraph();
  return out;
}

}  // namespace

std::string help_text(const CLI::App& app, std::size_t width) {
  std::string out = paragraph_of(app.get_description(), width) + "\n" + usage_of(app);
  const bool root = app.get_parent() == nullptr;
  out += section(root ? "Nouns and verbs" : "Verbs", verbs_of(app), width);
  out += section("Arguments", entries_of(options_of(app, true)), width);
  out += section(root ? "Global flags" : "Flags", entries_of(options_of(app, false)), width);
  if (!app.get_footer().empty()) out += "\n" + footer_of(app, width);
  if (root) {
    std::string names;
    for (const auto& topic : topic_names()) names += (names.empty() ? "" : ", ") + topic;
    return out + "\n" + paragraph_of("Topics for 'crctl help TOPIC': " + names + ".", width);
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
  std::vector<std::string> names{"flags"};
  for (auto& topic : written_topics()) names.push_back(std::move(topic));
  return names;
}

std::optional<std::string> topic_text(std::string_view topic, const CLI::App& root, std::size_t width) {
  if (topic != "flags") return written_topic(topic, width);
  return "Flags for every verb, before or after it\n\n" + columns_of(entries_of(options_of(root, false)), width);
}

std::size_t help_width(const Terminal& terminal) {
  constexpr std::size_t k_least = 40, k_usual = 80, k_most = 100;  // longer lines are hard to read
  if (!terminal.out_tty || terminal.width == 0) return k_usual;
  return std::clamp(static_cast<std::size_t>(terminal.width), k_least, k_most);
}

}  // namespace cr::crctl
