// SPDX-License-Identifier: MIT
#include "crctl/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "crctl/flags.h"

namespace cr::crctl {
namespace {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

std::string shown(const std::string& word) {
  return base::escape_for_terminal(word.substr(0, 80));
}

std::string help_hint(const CLI::App& app) {
  return fmt::format("see '{} --help'", spoken_path(app));
}

// "-5", "-$5", "-.5": an amount, not a flag.
bool is_negative_amount(const std::string& word) {
  return word.size() > 1 && word[0] == '-' &&
         (std::isdigit(static_cast<unsigned char>(word[1])) != 0 || word[1] == '$' || word[1] == '.');
}

class Reader {
 public:
  Reader(CLI::App& root, std::span<const std::string> words) : root_(root), app_(&root), words_(words) {}

  Result<ReadWords> read() {
    for (; at_ < words_.size(); ++at_) {
      if (auto done = read_word(words_[at_]); !done) return tl::unexpected(done.error());
    }
    ReadWords result;
    result.app = app_;
    result.help = help_;
    result.given = given_;
    if (auto done = apply(); !done) return tl::unexpected(done.error());
    return result;
  }

 private:
  Result<void> read_word(const std::string& word) {
    if (only_words_ || word == "-" || is_negative_amount(word) || !word.starts_with("-")) return read_plain(word);
    if (word == "--") {
      only_words_ = true;
      return {};
    }
    return word.starts_with("--") ? read_long(word) : read_short(word);
  }

  Result<void> read_plain(const std::string& word) {
    const auto names = subcommand_names(*app_, Aliases::with);
    if (names.empty()) {
      plain_.push_back(word);
      return {};
    }
    CLI::App* next = find_subcommand(*app_, word);
    if (next == nullptr) {
      const auto near = base::nearest(word, names);
      const bool at_root = app_ == &root_;
      return fail(ErrorCode::invalid,
                  at_root ? fmt::format("unknown command '{}'", shown(word))
                          : fmt::format("'{}' has no verb '{}'", app_->get_name(), shown(word)),
                  near ? fmt::format("did you mean '{}'?", *near) : help_hint(*app_));
    }
    app_ = next;
    return {};
  }

  Result<void> read_long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    CLI::Option* option = find_flag(root_, *app_, name);
    if (option == nullptr) return unknown_flag(name);
    if (equals == std::string::npos) return take(*option, name, std::nullopt);
    return take(*option, name, word.substr(equals + 1));
  }

  Result<void> read_short(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = std::string("-") + word[i];
      CLI::Option* option = find_flag(root_, *app_, name);
      if (option == nullptr) return unknown_flag(word.size() == 2 ? word : name);
      if (!takes_value(*option)) {
        if (auto done = take(*option, name, std::nullopt); !done) return done;
        continue;
      }
      std::string rest = word.substr(i + 1);
      if (rest.starts_with("=")) rest.erase(0, 1);
      return take(*option, name, i + 1 < word.size() ? std::optional(rest) : std::nullopt);
    }
    return {};
  }

  Result<void> take(CLI::Option& option, const std::string& name, std::optional<std::string> value) {
    if (!takes_value(option)) {
      if (value) return fail(ErrorCode::invalid, fmt::format("{} takes no value", name), help_hint(*app_));
      if (option.check_lname("help")) help_ = true;
      store(option, "true");
      return {};
    }
    if (!value) {
      if (at_ + 1 >= words_.size()) {
        return fail(ErrorCode::invalid, fmt::format("{} needs a value: {}", name, option.get_type_name()),
                    help_hint(*app_));
      }
      const std::string& next = words_[at_ + 1];
      if (next.starts_with("--") && find_flag(root_, *app_, next.substr(0, next.find('='))) != nullptr) {
        return fail(ErrorCode::invalid, fmt::format("{} needs a value: {}", name, option.get_type_name()),
                    fmt::format("if the value is '{}', write {}={}", shown(next), name, shown(next)));
      }
      value = next;
      ++at_;
    }
    store(option, *value);
    return {};
  }

  void store(CLI::Option& option, const std::string& value) {
    if (std::find(given_.begin(), given_.end(), &option) == given_.end()) {
      given_.push_back(&option);
      changed_.push_back(&option);
    }
    option.add_result(value);
  }

  tl::unexpected<Error> unknown_flag(const std::string& name) const {
    std::vector<std::string> known;
    for (const CLI::App* app : {static_cast<const CLI::App*>(app_), static_cast<const CLI::App*>(&root_)}) {
      for (const CLI::Option* option : app->get_options()) {
        for (const auto& other : option->get_lnames()) known.push_back("--" + other);
      }
    }
    const auto near = name.size() > 3 ? base::nearest(name, known) : std::nullopt;
    const std::string where = app_ == &root_ ? std::string() : fmt::format(" for '{}'", spoken_path(*app_));
    return fail(ErrorCode::invalid, fmt::format("unknown flag {}{}", shown(name), where),
                near ? fmt::format("did you mean {}?", *near) : help_hint(*app_));
  }

  std::vector<CLI::Option*> positionals() const {
    return app_->get_options([](CLI::Option* option) { return option->get_positional(); });
  }

  // Words without a flag go to the positionals in order; each leaves enough for those that must have one.
  Result<void> assign_plain() {
    const auto takers = positionals();
    std::size_t next = 0;
    for (std::size_t i = 0; i < takers.size(); ++i) {
      std::size_t reserved = 0;
      for (std::size_t j = i + 1; j < takers.size(); ++j) reserved += takers[j]->get_required() ? 1 : 0;
      const std::size_t left = plain_.size() - next;
      const std::size_t most = static_cast<std::size_t>(takers[i]->get_items_expected_max());
      const std::size_t count = std::min(most, left > reserved ? left - reserved : std::min<std::size_t>(left, 1));
      for (std::size_t k = 0; k < count; ++k) store(*takers[i], plain_[next++]);
    }
    if (next == plain_.size()) return {};
    if (takes_key()) {
      return fail(
          ErrorCode::invalid, "unexpected argument (not shown: it may be a key)",
          "a key comes from stdin or a file, never from an argument, which others can see; " + help_hint(*app_));
    }
    return fail(ErrorCode::invalid, fmt::format("unexpected argument '{}'", shown(plain_[next])), help_hint(*app_));
  }

  // Of these verbs a word too many is a key more often than not.
  bool takes_key() const { return app_->get_name() == "verify" || app_->get_option_no_throw("--key-stdin") != nullptr; }

  Result<void> check_needs() const {
    for (const CLI::Option* option : app_->get_options()) {
      if (option->get_required() && option->count() == 0) {
        const std::string name =
            option->get_positional() ? option->get_name(true, false) : option->get_name(false, false);
        return fail(ErrorCode::invalid, fmt::format("'{}' needs {}", spoken_path(*app_), name), help_hint(*app_));
      }
      if (option->count() == 0) continue;
      for (const CLI::Option* other : option->get_excludes()) {
        if (other->count() == 0) continue;
        return fail(ErrorCode::invalid,
                    fmt::format("{} and {} cannot be given together", option->get_name(), other->get_name()));
      }
      for (const CLI::Option* other : option->get_needs()) {
        if (other->count() > 0) continue;
        return fail(ErrorCode::invalid, fmt::format("{} needs {}", option->get_name(), other->get_name()));
      }
    }
    return {};
  }

  Result<void> apply() {
    if (auto done = assign_plain(); !done && !help_) return done;
    if (!help_) {
      if (auto done = check_needs(); !done) return done;
    }
    for (CLI::Option* option : changed_) {
      try {
        option->run_callback();
      } catch (const FlagRefused& refused) {
        return tl::unexpected(refused.error);
      }
    }
    return {};
  }

  CLI::App& root_;
  CLI::App* app_;
  std::span<const std::string> words_;
  std::size_t at_ = 0;
  bool only_words_ = false;
  bool help_ = false;
  std::vector<std::string> plain_;
  std::vector<const CLI::Option*> given_;
  std::vector<CLI::Option*> changed_;
};

}  // namespace

Result<ReadWords> read_arguments(CLI::App& root, std::span<const std::string> words) {
  return Reader(root, words).read();
}

bool asks_for_json(std::span<const std::string> words) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    std::string form;
    if (words[i] == "--json") return true;
    if ((words[i] == "-o" || words[i] == "--output") && i + 1 < words.size()) form = words[i + 1];
    if (words[i].starts_with("-o") && words[i].size() > 2) form = words[i].substr(words[i][2] == '=' ? 3 : 2);
    if (words[i].starts_with("--output=")) form = words[i].substr(9);
    if (form == "json" || form == "jsonl") return true;
  }
  return false;
}

std::string spoken_path(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* at = app.get_parent(); at != nullptr; at = at->get_parent()) path = at->get_name() + " " + path;
  return path;
}

std::vector<std::string> subcommand_names(const CLI::App& app, Aliases aliases) {
  std::vector<std::string> names;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_group().empty()) continue;
    names.push_back(child->get_name());
    if (aliases == Aliases::without) continue;
    for (const auto& alias : child->get_aliases()) names.push_back(alias);
  }
  return names;
}

CLI::App* find_subcommand(CLI::App& app, const std::string& name) {
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; })) {
    if (child->check_name(name)) return child;
  }
  return nullptr;
}

CLI::Option* find_flag(CLI::App& root, CLI::App& app, const std::string& word) {
  for (CLI::App* owner : {&app, &root}) {
    for (CLI::Option* option : owner->get_options()) {
      const bool match = word.starts_with("--") ? option->check_lname(word.substr(2))
                                                : word.size() == 2 && option->check_sname(word.substr(1));
      if (match) return option;
    }
  }
  return nullptr;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

}  // namespace cr::crctl
