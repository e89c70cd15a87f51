// SPDX-License-Identifier: MIT
// The flags every verb takes, as read from the command line. Plain values, set once before a verb runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cr::crctl {

enum class Mode { automatic, table, wide, json, jsonl, csv, tsv, name };
enum class ColourWish { automatic, always, never };

struct Globals {
  std::optional<std::string> socket;
  std::chrono::milliseconds timeout{10'000};
  std::optional<std::string> output;  // -o, as typed; read it through mode()
  bool json = false;
  std::optional<std::vector<std::string>> fields;
  std::optional<std::string> field;
  bool quiet = false;
  bool no_header = false;
  bool yes = false;
  bool no_input = false;
  bool dry_run = false;
  std::optional<std::string> reason;
  std::optional<std::int64_t> if_rev;
  std::optional<std::string> color;
  bool utc = false;
  std::optional<std::string> tz;
  bool debug = false;
  bool help = false;
  bool version = false;

  Mode mode() const;
  bool wants_field_names() const;  // --fields=help: the names there are, which needs no daemon
  ColourWish colour_wish() const;
};

inline constexpr const char* k_system_socket = "/run/crd/admin.sock";

// Whether it is there, or may not be looked at.
bool may_be_there(const std::string& path);

// --socket, else CRCTL_SOCKET, else the system's if it may be there, else where a daemon run by this user puts it.
std::string socket_path(const Globals& globals);

}  // namespace cr::crctl
