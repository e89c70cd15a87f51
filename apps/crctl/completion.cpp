// SPDX-License-Identifier: MIT
// The words `completion` and `__complete`.
#include "crctl/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/text.h"
#include "crctl/arguments.h"
#include "crctl/commands.h"
#include "crctl/flags.h"
#include "crctl/help.h"

namespace cr::crctl {
namespace {

using base::Result;

constexpr std::chrono::milliseconds k_names_timeout{150};

// Which collection of the daemon's a metavar stands for.
std::string_view collection_of(const CLI::Option& option) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> k_collections{{{"TOKEN", "tokens"},
                                                                                               {"CHANNEL", "channels"},
                                                                                               {"GROUP", "groups"},
                                                                                               {"ACCOUNT", "accounts"},
                                                                                               {"MODEL", "models"}}};
  if (option.check_lname("models")) return "models";
  const std::string what = option.get_type_name();
  for (const auto& [metavar, collection] : k_collections) {
    if (metavar == what) return collection;
  }
  return {};
}

class Completer {
 public:
  Completer(CLI::App& root, const NamesOf& names_of) : root_(root), app_(&root), names_of_(names_of) {}

  Completion complete(std::span<const std::string> words) {
    if (words.empty()) return {};
    for (const auto& word : words.first(words.size() - 1)) {
      if (!pass(word)) return {};
    }
    propose(words.back());
    return std::move(result_);
  }

 private:
  // A word that is there already; false if nothing sensible can follow it.
  bool pass(const std::string& word) {
    if (pending_ != nullptr) {
      if (pending_->check_lname("socket")) socket_ = word;
      pending_ = nullptr;
      return true;
    }
    if (!only_words_ && word == "--") {
      only_words_ = true;
      return true;
    }
    if (!only_words_ && word.size() > 1 && word[0] == '-') {
      const auto equals = word.find('=');
      CLI::Option* option = find_flag(root_, *app_, word.substr(0, equals));
      if (option != nullptr && takes_value(*option) && equals == std::string::npos) pending_ = option;
      if (option != nullptr && option->check_lname("socket") && equals != std::string::npos)
        socket_ = word.substr(equals + 1);
      return true;
    }
    if (subcommand_names(*app_, Aliases::without).empty()) {
      plain_.push_back(word);
      return true;
    }
    CLI::App* next = find_subcommand(*app_, word);
    if (next == nullptr) return false;
    app_ = next;
    return true;
  }

  void propose(const std::string& word) {
    const auto equals = word.find('=');
    if (pending_ != nullptr) return propose_values(*pending_, "", word);
    if (!only_words_ && word.starts_with("--") && equals != std::string::npos) {
      const CLI::Option* option = find_flag(root_, *app_, word.substr(0, equals));
      if (option != nullptr) propose_values(*option, word.substr(0, equals + 1), word.substr(equals + 1));
      return;
    }
    if (!only_words_ && word.starts_with("-")) return propose_flags(word);
    if (!subcommand_names(*app_, Aliases::without).empty()) return propose_subcommands(*app_, word);
    if (app_->get_name() == "help") return propose_help(word);
    propose_positional(word);
  }

  void add(const std::string& value, const std::string& about, const std::string& typed) {
    if (value.starts_with(typed)) result_.candidates.push_back({value, about});
  }

  void propose_flags(const std::string& word) {
    for (const CLI::App* app : {static_cast<const CLI::App*>(app_), static_cast<const CLI::App*>(&root_)}) {
      for (const CLI::Option* option : app->get_options()) {
        for (const auto& name : option->get_lnames()) add("--" + name, option->get_description(), word);
      }
      if (app == &root_) break;
    }
  }

  void propose_subcommands(const CLI::App& app, const std::string& word) {
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (!child->get_group().empty()) add(child->get_name(), child->get_description(), word);
    }
  }

  void propose_help(const std::string& word) {
    CLI::App* app = &root_;
    for (const auto& before : plain_) {
      app = find_subcommand(*app, before);
      if (app == nullptr) return;
    }
    propose_subcommands(*app, word);
    if (app != &root_) return;
    for (const auto& topic : topic_names()) add(topic, "topic", word);
  }

  void propose_positional(const std::string& word) {
    std::size_t left = plain_.size();
    for (const CLI::Option* option : app_->get_options()) {
      if (!option->get_positional()) continue;
      const auto most = static_cast<std::size_t>(option->get_items_expected_max());
      if (left < most) return propose_values(*option, "", word);
      left -= most;
    }
  }

  // `before` is what the shell has as part of the same word: "--by=".
  void propose_values(const CLI::Option& option, std::string before, std::string typed) {
    const std::string what = option.get_type_name();
    if (what == "FILE" || what == "DIR") {
      result_.kind = what == "FILE" ? Completion::Kind::files : Completion::Kind::folders;
      return;
    }
    const bool many = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll && !option.get_positional();
    // The part after the last comma, without the sign of a change.
    if (const auto comma = typed.rfind(','); many && comma != std::string::npos) {
      before += typed.substr(0, comma + 1);
      typed.erase(0, comma + 1);
    }
    if (many && (typed.starts_with("+") || typed.starts_with("-"))) {
      before += typed.front();
      typed.erase(0, 1);
    }
    const std::string_view collection = collection_of(option);
    std::vector<std::string> values;
    if (what.find('|') != std::string::npos) values = base::split_list(what, '|');
    if (!collection.empty()) values = names_of_(collection, socket_);
    for (const auto& value : values) add(before + value, "", before + typed);
  }

  CLI::App& root_;
  CLI::App* app_;
  const NamesOf& names_of_;
  CLI::Option* pending_ = nullptr;
  bool only_words_ = false;
  Texts plain_;
  std::optional<std::string> socket_;
  Completion result_;
};

Result<Exit> run_completion(Context& context, const std::string& shell) {
  const char* script = completion_script(shell);
  if (script == nullptr) {
    return base::fail(base::ErrorCode::invalid, "no completion for '" + shell + "'", "one of bash, zsh, fish");
  }
  auto printed = context.output.text(script);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

// One candidate a line, its description after a tab; ":files" or ":folders" leave it to the shell.
Result<Exit> run_complete(Context& context, CLI::App& root, const Texts& words) {
  const NamesOf names_of = [&](std::string_view collection, const std::optional<std::string>& socket) {
    Globals globals = context.globals;
    if (socket) globals.socket = socket;
    return names_within(globals, "/names/" + std::string(collection), k_names_timeout);
  };
  const Completion completion = complete(root, words, names_of);
  std::string out;
  if (completion.kind == Completion::Kind::files) out = ":files\n";
  if (completion.kind == Completion::Kind::folders) out = ":folders\n";
  for (const auto& [value, about] : completion.candidates) {
    if (base::escape_for_terminal(value) != value) continue;
    out += about.empty() ? value + "\n" : value + "\t" + about + "\n";
  }
  auto printed = context.output.text(out);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

}  // namespace

Completion complete(CLI::App& root, std::span<const std::string> words, const NamesOf& names_of) {
  return Completer(root, names_of).complete(words);
}

void add_completion(Commands& commands) {
  auto shell = std::make_shared<std::string>();
  CLI::App& completion =
      commands.word({"completion",
                     "Print the completion script of a shell.",
                     {"crctl completion bash > ~/.local/share/bash-completion/completions/crctl"},
                     {}},
                    Effect::reads, [shell](Context& context) { return run_completion(context, *shell); });
  add_name(completion, "SHELL", "bash|zsh|fish", "The shell.", *shell);

  auto words = std::make_shared<Texts>();
  CLI::App& hidden =
      commands.word({"__complete", "What may follow these words.", {}, {}}, Effect::reads,
                    [words, &commands](Context& context) { return run_complete(context, commands.root(), *words); });
  hidden.group("");
  add_optional_names(hidden, "WORD", "WORD", "The words so far.", *words);
}

}  // namespace cr::crctl
