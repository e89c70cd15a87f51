// SPDX-License-Identifier: MIT
// Completion: what may follow the words typed so far, from the tree of commands; names come live from the daemon.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace cr::crctl {

struct Candidate {
  std::string value;
  std::string about;  // may be empty
};

struct Completion {
  enum class Kind { words, files, folders } kind = Kind::words;
  std::vector<Candidate> candidates;
};

// The names of a collection, such as "tokens": asked for only where they are wanted; `socket` is --socket's value.
using NamesOf =
    std::function<std::vector<std::string>(std::string_view collection, const std::optional<std::string>& socket)>;

// The last word is the one to complete; it may be empty.
Completion complete(CLI::App& root, std::span<const std::string> words, const NamesOf& names_of);

// The fixed adaptors; null for an unknown shell.
const char* completion_script(std::string_view shell);

}  // namespace cr::crctl
