// SPDX-License-Identifier: MIT
// Help: what --help, a bare `crctl` and `crctl help TOPIC` print. Pure functions over the tree of commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crctl/terminal.h"

namespace CLI {
class App;
}

namespace cr::crctl {

std::string help_text(const CLI::App& app, std::size_t width);
std::string short_help();  // for a bare `crctl`: three examples
std::optional<std::string> topic_text(std::string_view topic, const CLI::App& root, std::size_t width);
std::vector<std::string> topic_names();
// What the texts above are laid out for: the terminal's width, or that of a usual one.
std::size_t help_width(const Terminal& terminal);

}  // namespace cr::crctl
