// SPDX-License-Identifier: MIT
// The word `help`.
#include <fmt/format.h>

#include "base/text.h"
#include "crctl/arguments.h"
#include "crctl/commands.h"
#include "crctl/flags.h"
#include "crctl/help.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::Result;

Result<Exit> run_help(Context& context, CLI::App& root, const Texts& words) {
  const auto width = help_width(context.terminal);
  std::string text;
  if (words.size() == 1) text = topic_text(words.front(), root, width).value_or("");
  if (text.empty()) {
    CLI::App* app = &root;
    for (const auto& word : words) {
      CLI::App* next = find_subcommand(*app, word);
      if (next == nullptr) {
        auto names = subcommand_names(*app, Aliases::with);
        for (auto& topic : topic_names()) names.push_back(topic);
        const auto near = base::nearest(word, names);
        return base::fail(base::ErrorCode::invalid,
                          fmt::format("no help about '{}'", base::escape_for_terminal(join(words, " "))),
                          near ? fmt::format("did you mean '{}'?", *near) : "topics: " + join(topic_names()));
      }
      app = next;
    }
    text = help_text(*app, width);
  }
  auto printed = context.output.text(text);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

}  // namespace

void add_help(Commands& commands) {
  auto words = std::make_shared<Texts>();
  CLI::App& help = commands.word(
      {"help",
       "Help about a noun, a verb, or a topic: " + join(topic_names()) + ".",
       {"crctl help token create", "crctl help values"},
       {}},
      Effect::reads, [words, &commands](Context& context) { return run_help(context, commands.root(), *words); });
  add_optional_names(help, "TOPIC", "TOPIC", "A topic, or a noun and a verb.", *words);
}

}  // namespace cr::crctl
