// SPDX-License-Identifier: MIT
// Reading the command line against the tree declared in CLI11. CLI11's own parser is not used: its 2.1 takes a token
// named "list" for a verb once global flags may stand anywhere, swallows the word after `--models ''` and reads an
// amount of -5 as a flag; its messages and exit codes are not ours either. Pure but for the flags' targets.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cr::crctl {

struct ReadWords {
  CLI::App* app = nullptr;                // the noun or verb reached; the root if there was none
  bool help = false;                      // -h or --help was among them
  std::vector<const CLI::Option*> given;  // in the order of the words
};

// Sets the flags' targets. Errors are `invalid`, name the flag or word, and offer the nearest known one.
base::Result<ReadWords> read_arguments(CLI::App& root, std::span<const std::string> words);

// --json anywhere before "--": errors about the words themselves must be JSON as well.
bool asks_for_json(std::span<const std::string> words);

// "crctl token create".
std::string spoken_path(const CLI::App& app);
// Nouns or verbs of `app`, aliases too if asked for; hidden ones never.
enum class Aliases { with, without };
std::vector<std::string> subcommand_names(const CLI::App& app, Aliases aliases);
CLI::App* find_subcommand(CLI::App& app, const std::string& name);
// A flag of `app` or a global one, by "--name" or "-n"; null if there is none.
CLI::Option* find_flag(CLI::App& root, CLI::App& app, const std::string& word);
bool takes_value(const CLI::Option& option);

}  // namespace cr::crctl
