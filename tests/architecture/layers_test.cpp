// SPDX-License-Identifier: MIT
// Includes go down floors only, never sideways; outside libraries stay where they belong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "house/source_tree.h"

namespace cr::house {
namespace {

using Rooms = std::set<std::string>;

// The one table of arrows: a room, and the rooms it may look into. Its own files are always allowed.
const std::map<std::string, Rooms>& arrows() {
  static const std::map<std::string, Rooms> table = {
      // floor 0
      {"base", {}},
      {"sqlite", {"base"}},
      // floor 1
      {"token", {"base"}},
      {"coding", {"base"}},
      {"openai", {"base"}},
      {"http", {"base"}},
      {"admin", {"base"}},
      {"ledger", {"base", "sqlite", "token"}},
      // floor 2
      {"relay", {"base", "coding", "token", "openai", "http", "ledger"}},
      // floor 3
      {"server", {"base", "coding", "token", "openai", "http", "admin", "ledger", "relay"}},
      // the programs
      {"crctl", {"base", "admin"}},
      {"crd", {"base", "sqlite", "coding", "token", "openai", "http", "admin", "ledger", "relay", "server"}},
  };
  return table;
}

struct Outside {
  std::string_view library;
  std::vector<std::string_view> headers;  // '*' any run
  std::optional<Rooms> rooms;             // none: any room, but no header of ours in lib/
  std::string_view reason;

  bool has(std::string_view header) const {
    return std::any_of(headers.begin(), headers.end(), [&](auto known) { return base::glob_match(known, header); });
  }
};

const std::vector<Outside>& outside_libraries() {
  constexpr std::string_view k_hidden =
      "outside headers stay in .cpp files, so that a floor can change its library alone";
  constexpr std::string_view k_sockets = "sockets belong to http, relay, server and crd";
  static const std::vector<Outside> table = {
      {"cpp-httplib", {"httplib.h", "*/httplib.h"}, std::nullopt, k_hidden},
      {"SQLite", {"sqlite3.h", "*/sqlite3.h", "sqlite3ext.h"}, std::nullopt, k_hidden},
      {"libsodium", {"sodium.h", "sodium/*"}, std::nullopt, k_hidden},
      {"nlohmann/json", {"json.hpp", "json_fwd.hpp", "nlohmann/*"}, std::nullopt, k_hidden},
      {"simdjson", {"simdjson.h", "*/simdjson.h"}, std::nullopt, k_hidden},
      {"toml++", {"toml.h", "toml.hpp", "toml++/*"}, std::nullopt, k_hidden},
      {"zlib", {"zlib.h"}, std::nullopt, k_hidden},
      {"zstd", {"zstd.h"}, std::nullopt, k_hidden},
      {"spdlog", {"spdlog/*"}, std::nullopt, k_hidden},
      {"date", {"date/*"}, std::nullopt, k_hidden},
      {"Boost.Asio", {"boost/asio.hpp", "boost/asio/*"}, Rooms{"http", "relay", "server", "crd"}, k_sockets},
  };
  return table;
}

std::string list(const Rooms& rooms) {
  std::string text;
  for (const std::string& room : rooms) text += (text.empty() ? "" : ", ") + room;
  return text.empty() ? "none" : text;
}

// Shared by the sources of one topic and by nobody else: its folder's public headers do not include it.
constexpr std::string_view k_private_header = "lib/openai/echo_turn.h";

// What is wrong with one include, or nothing.
std::optional<std::string> fault_of(const SourceFile& file, const Include& include) {
  const std::string room = file.folder();
  const auto known = arrows().find(room);
  if (known == arrows().end()) return "the folder \"" + room + "\" is in no row of the table of arrows";
  for (const Outside& outside : outside_libraries()) {
    if (!outside.has(include.target)) continue;
    const std::string what = "<" + include.target + "> (" + std::string(outside.library) + "): ";
    if (outside.rooms && !outside.rooms->contains(room)) return what + std::string(outside.reason);
    const bool hidden = !outside.rooms && file.is_header() && file.path.starts_with("lib/");
    if (hidden && file.path != k_private_header) return what + std::string(outside.reason);
  }
  if (!include.quoted) return std::nullopt;
  const std::size_t slash = include.target.find('/');
  // A program's files may name their neighbours bare; in lib/ the room is part of the name.
  if (slash == std::string::npos && file.path.starts_with("apps/")) return std::nullopt;
  if (slash == std::string::npos || include.target.starts_with('.')) {
    return "\"" + include.target + "\": write it with its folder, as in \"base/text.h\"";
  }
  const std::string other = include.target.substr(0, slash);
  if (other == room || known->second.contains(other)) return std::nullopt;
  return "\"" + include.target + "\": " + room + " may look into " + list(known->second) + "; not into " + other;
}

TEST(Floors, includes_go_down_only) {
  const auto files = read_tree({"lib", "apps"});
  std::size_t checked = 0;
  for (const SourceFile& file : files) {
    if (!file.is_cpp()) continue;
    for (const Include& include : includes_of(file)) {
      ++checked;
      if (const auto fault = fault_of(file, include)) ADD_FAILURE() << at(file, include.line) << ": " << *fault;
    }
  }
  EXPECT_GT(checked, 100U) << "the tree was not found under " << CR_SOURCE_DIR;
}

// "cr_base" and "cr_http_message" of "target_link_libraries(x PUBLIC cr_base cr_http_message)": base, http (a part of
// it).
std::vector<std::string> rooms_linked(std::string_view line) {
  std::vector<std::string> rooms;
  for (std::size_t begin = line.find("cr_"); begin != std::string_view::npos; begin = line.find("cr_", begin + 3)) {
    const std::size_t end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin);
    const std::string target(line.substr(begin + 3, std::min(end, line.size()) - begin - 3));
    const std::string room = target.substr(0, target.find('_'));
    if (arrows().contains(room)) rooms.push_back(room);
  }
  return rooms;
}

TEST(Floors, links_go_down_only) {
  std::size_t checked = 0;
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    const auto known = arrows().find(file.folder());
    if (file.name() != "CMakeLists.txt" || known == arrows().end()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string& other : rooms_linked(file.lines[i])) {
        ++checked;
        if (other == file.folder() || known->second.contains(other)) continue;
        ADD_FAILURE() << at(file, i + 1) << ": " << file.folder() << " may link " << list(known->second) << "; not "
                      << other;
      }
    }
  }
  EXPECT_GT(checked, 5U) << "the tree was not found under " << CR_SOURCE_DIR;
}

TEST(Floors, the_checker_sees_links) {
  EXPECT_EQ(rooms_linked("cr_floor(token SOURCES key.cpp PUBLIC cr_base PRIVATE cr_asio cr_ledger)"),
            (std::vector<std::string>{"base", "ledger"}));
  EXPECT_EQ(rooms_linked("target_link_libraries(cr_token PUBLIC cr_http_message)"),
            (std::vector<std::string>{"token", "http"}));
  EXPECT_TRUE(rooms_linked("target_link_libraries(x PRIVATE cr_settings cr_baseline)").empty());
}

TEST(Floors, the_table_has_no_circle) {
  // Each round takes away the rooms that look into none of those left.
  std::map<std::string, Rooms> left = arrows();
  while (!left.empty()) {
    const auto ground = std::find_if(left.begin(), left.end(), [&](const auto& row) {
      return std::none_of(row.second.begin(), row.second.end(), [&](const auto& room) { return left.contains(room); });
    });
    ASSERT_NE(ground, left.end()) << "a circle among " << left.size() << " rooms, " << left.begin()->first
                                  << " one of them";
    left.erase(ground);
  }
}

struct FaultCase {
  std::string path, line;
  bool faulty;
};

// The rule itself is tested: a checker that sees nothing would pass for ever.
TEST(Floors, the_checker_sees) {
  const FaultCase table[] = {
      {"lib/base/text.cpp", "#include \"base/text.h\"", false},
      {"lib/base/text.cpp", "#include \"token/key.h\"", true},
      {"lib/token/key.cpp", "#include \"openai/sse.h\"", true},
      {"lib/ledger/store.cpp", "  #  include \"sqlite/database.h\"", false},
      {"lib/ledger/store.cpp", "#include \"relay/pump.h\"", true},
      {"lib/relay/pump.cpp", "#include \"sqlite/database.h\"", true},
      {"lib/relay/pump.cpp", "#include \"admin/client.h\"", true},
      {"lib/server/listener.cpp", "#include \"relay/pump.h\"", false},
      {"apps/crctl/main.cpp", "#include \"ledger/store.h\"", true},
      {"apps/crctl/main.cpp", "#include \"crctl/table.h\"", false},
      {"apps/crd/main.cpp", "#include \"daemon.h\"", false},
      {"apps/crctl/main.cpp", "#include \"../crd/daemon.h\"", true},
      {"apps/crd/main.cpp", "#include \"sqlite/database.h\"", false},
      {"lib/base/text.cpp", "#include \"text.h\"", true},
      {"lib/base/text.cpp", "#include \"../base/text.h\"", true},
      {"lib/attic/old.cpp", "#include \"base/text.h\"", true},
      {"lib/base/text.cpp", "// #include \"token/key.h\"", false},
      {"lib/base/log.cpp", "#include <spdlog/async_logger.h>", false},
      {"lib/base/log.h", "#include <spdlog/async_logger.h>", true},
      {"lib/admin/client.cpp", "#include <httplib.h>", false},
      {"lib/admin/client.h", "#include <httplib.h>", true},
      {"lib/sqlite/database.h", "#include <sqlite3.h>", true},
      {"lib/token/key.h", "#include <sodium.h>", true},
      {"lib/admin/messages.h", "#include <nlohmann/json.hpp>", true},
      {"lib/admin/messages.h", "#include <nlohmann/json_fwd.hpp>", true},
      {"lib/openai/scan.h", "#include <simdjson.h>", true},
      {"lib/server/config.h", "#include <toml++/toml.h>", true},
      {"apps/crctl/output.h", "#include <nlohmann/json.hpp>", false},
      {"lib/http/reader.h", "#include <boost/asio/io_context.hpp>", false},
      {"lib/ledger/store.cpp", "#include <boost/asio/io_context.hpp>", true},
      {"lib/ledger/store.cpp", "#include <boost/asio.hpp>", true},
      {"lib/openai/sse.cpp", "#include <boost/asio/buffer.hpp>", true},
      {"apps/crctl/main.cpp", "#include <boost/asio.hpp>", true},
      {"apps/crd/main.cpp", "#include <boost/asio.hpp>", false},
  };
  for (const FaultCase& row : table) {
    const SourceFile file{row.path, {row.line}};
    bool faulty = false;
    for (const Include& include : includes_of(file)) faulty = faulty || fault_of(file, include).has_value();
    EXPECT_EQ(faulty, row.faulty) << row.path << ": " << row.line;
  }
}

}  // namespace
}  // namespace cr::house
