// SPDX-License-Identifier: MIT
// Help: what --help, a bare `crctl` and `crctl help TOPIC` print. Pure functions over the tree of commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace cr::crctl {

std::string help_text(const CLI::App& app);
std::string short_help();  // for a bare `crctl`: three examples
std::optional<std::string> topic_text(std::string_view topic, const CLI::App& root);
std::vector<std::string> topic_names();

}  // namespace cr::crctl
