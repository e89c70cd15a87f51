// SPDX-License-Identifier: MIT
// Declaring flags in CLI11 (whose header is slow to compile and stays out of the nouns' files) so that a refused value
// keeps its Error with its hint. The last of several wins; lists keep all. A metavar with '|' in it is the list of
// choices: checked, completed and shown in one. Others say what completes them: TOKEN CHANNEL GROUP ACCOUNT MODEL FILE.
// Targets must outlive the App.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cr::crctl {

// Thrown through CLI11 by a flag's callback and caught by read_arguments.
struct FlagRefused : std::exception {
  explicit FlagRefused(base::Error given) : error(std::move(given)) {}
  const char* what() const noexcept override { return error.message.c_str(); }
  base::Error error;
};

using Texts = std::vector<std::string>;

CLI::Option* add_text(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                      std::optional<std::string>& target);
// Every occurrence, uncut: `target` stays empty if there is none.
CLI::Option* add_texts(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                       std::optional<Texts>& target);
// Occurrences and their comma-separated parts, blanks dropped.
CLI::Option* add_comma_list(CLI::App& app, const std::string& names, const std::string& metavar,
                            const std::string& about, std::optional<Texts>& target);
CLI::Option* add_number(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                        std::optional<std::int64_t>& target);
CLI::Option* add_duration(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                          std::optional<std::chrono::milliseconds>& target);
CLI::Option* add_duration(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                          std::chrono::milliseconds& target);
CLI::Option* add_choice(CLI::App& app, const std::string& names, const std::string& choices, const std::string& about,
                        std::optional<std::string>& target);
// As add_choice, several of them: repeated or comma-separated.
CLI::Option* add_choices(CLI::App& app, const std::string& names, const std::string& choices, const std::string& about,
                         std::optional<Texts>& target);

CLI::Option* add_flag(CLI::App& app, const std::string& names, const std::string& about, bool& target);

CLI::Option* require(CLI::Option* option);
void exclude(CLI::Option* one, CLI::Option* other);  // not both

// Positionals. `what` as the metavars above.
CLI::Option* add_name(CLI::App& app, const std::string& shown, const std::string& what, const std::string& about,
                      std::string& target);
CLI::Option* add_names(CLI::App& app, const std::string& shown, const std::string& what, const std::string& about,
                       Texts& target);
CLI::Option* add_optional_names(CLI::App& app, const std::string& shown, const std::string& what,
                                const std::string& about, Texts& target);

}  // namespace cr::crctl
