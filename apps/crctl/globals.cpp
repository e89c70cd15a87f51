// SPDX-License-Identifier: MIT
#include "crctl/globals.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace cr::crctl {
namespace {

std::string text_of_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Mode Globals::mode() const {
  static constexpr std::array<std::pair<const char*, Mode>, 7> k_modes{{{"table", Mode::table},
                                                                        {"wide", Mode::wide},
                                                                        {"json", Mode::json},
                                                                        {"jsonl", Mode::jsonl},
                                                                        {"csv", Mode::csv},
                                                                        {"tsv", Mode::tsv},
                                                                        {"name", Mode::name}}};
  if (output) {
    for (const auto& [name, mode] : k_modes) {
      if (*output == name) return mode;
    }
  }
  if (json) return Mode::json;
  return quiet ? Mode::name : Mode::automatic;
}

bool Globals::wants_field_names() const {
  return fields && fields->size() == 1 && fields->front() == "help";
}

ColourWish Globals::colour_wish() const {
  if (color == "always") return ColourWish::always;
  if (color == "never") return ColourWish::never;
  return ColourWish::automatic;
}

bool may_be_there(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

std::string socket_path(const Globals& globals) {
  if (globals.socket) return *globals.socket;
  if (std::string given = text_of_variable("CRCTL_SOCKET"); !given.empty()) return given;
  if (may_be_there(k_system_socket) || ::geteuid() == 0) return k_system_socket;
  if (std::string state = text_of_variable("XDG_STATE_HOME"); !state.empty()) return state + "/crd/admin.sock";
  if (std::string home = text_of_variable("HOME"); !home.empty()) return home + "/.local/state/crd/admin.sock";
  return k_system_socket;
}

}  // namespace cr::crctl
