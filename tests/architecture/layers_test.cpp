// SPDX-License-Identifier: MIT
// Includes go down the layers only, never sideways; outside libraries stay where they belong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "architecture/source_tree.h"
#include "base/text.h"

namespace cr::architecture {
namespace {

using Modules = std::set<std::string>;

struct Row {
  int layer;
  Modules looks_into;  // its own files are always allowed
  // The namespace, where it is not the one of the folder's name, and why.
  std::string_view name_space = {}, why = {};
};

constexpr std::string_view k_engine =
    "classes that ledger/core declares have their members in ledger/sql and ledger/sqlite: one namespace";

// The one table of arrows: a module, its layer and the modules it may look into.
const std::map<std::string, Row>& table() {
  static const std::map<std::string, Row> rows = {
      {"base", {0, {}}},
      {"json", {0, {"base"}}},
      {"sqlite", {0, {"base"}}},

      {"http/coding", {1, {"base"}}},
      {"http/message", {1, {"base"}}},
      {"http/net", {1, {"base"}, "cr::http", "the socket and task types that all of http/ is written in"}},
      {"http/tls", {1, {"base", "http/net"}}},
      {"http/dns", {1, {"base", "http/net"}}},
      {"http/client", {1, {"base", "http/dns", "http/message", "http/net", "http/tls"}}},
      {"http/server", {1, {"base", "http/message", "http/net", "http/tls"}}},
      {"token", {1, {"base"}}},
      {"dialect", {1, {"base", "http/message", "json"}}},
      {"dialect/anthropic", {1, {"base", "dialect", "json"}}},
      {"dialect/openai", {1, {"base", "dialect", "json"}}},
      {"billing", {1, {"base", "dialect", "json"}}},
      {"admin", {1, {"base", "json"}}},

      {"provider/kinds", {1, {"base"}, "cr::provider", "what provider says of its kinds to the ledger as well"}},

      {"ledger/core", {2, {"base", "billing", "provider/kinds", "token"}, "cr::ledger", k_engine}},
      {"ledger/sql",
       {2, {"base", "billing", "json", "ledger/core", "provider/kinds", "sqlite", "token"}, "cr::ledger", k_engine}},
      {"ledger/sqlite", {2, {"base", "ledger/core", "ledger/sql", "sqlite", "token"}, "cr::ledger", k_engine}},
      {"provider",
       {2, {"base", "dialect", "dialect/anthropic", "dialect/openai", "http/message", "json", "provider/kinds"}}},

      {"relay/policy", {3, {"base", "http/message", "token"}}},
      {"relay/routing", {3, {"base", "dialect", "ledger/core", "provider", "relay/policy"}}},
      {"relay/request",
       {3,
        {"base", "billing", "dialect", "dialect/openai", "http/client", "http/coding", "http/dns", "http/message",
         "http/net", "http/server", "http/tls", "json", "ledger/core", "provider", "provider/kinds", "relay/policy",
         "relay/routing", "token"}}},

      {"server/config", {4, {"base", "http/message", "http/tls", "relay/policy", "token"}}},
      {"server/listener",
       {4,
        {"base", "dialect", "http/message", "http/net", "http/server", "http/tls", "relay/policy", "relay/request",
         "server/config"}}},
      {"server/admin",
       {4,
        {"admin", "base", "billing", "http/message", "http/tls", "ledger/core", "provider", "provider/kinds",
         "relay/policy", "relay/request", "relay/routing", "token"}}},

      {"crctl", {5, {"admin", "base", "provider/kinds"}}},
      {"crd",
       {5,
        {"admin", "base", "http/dns", "http/net", "http/server", "http/tls", "ledger/core", "relay/policy",
         "relay/request", "relay/routing", "server/admin", "server/config", "server/listener", "sqlite", "token"}}},
  };
  return rows;
}

// A module looks down, to a lower layer or to base. Within one folder (http/, ledger/, ...) a module may look at what
// the table names; any other look at its own layer stands here with its reason.
const std::map<std::pair<std::string, std::string>, std::string_view>& sideways() {
  static const std::map<std::pair<std::string, std::string>, std::string_view> table = {
      {{"dialect", "http/message"}, "the usage meter reads a stream's events, which http/message splits"},
      {{"billing", "dialect"}, "what a reservation covers depends on the endpoint and on the scan of the request"},
  };
  return table;
}

std::string top_of(const std::string& module) {
  return module.substr(0, module.find('/'));
}

struct Outside {
  std::string_view library;
  std::vector<std::string_view> headers;  // '*' any run
  std::optional<Modules> modules;         // none: any module, but no header of ours in lib/
  std::string_view reason;

  bool has(std::string_view header) const {
    return std::any_of(headers.begin(), headers.end(), [&](auto known) { return base::glob_match(known, header); });
  }
};

const std::vector<Outside>& outside_libraries() {
  constexpr std::string_view k_hidden =
      "outside headers stay in .cpp files, so that a module can change its library alone";
  constexpr std::string_view k_sockets = "sockets belong to http, relay/request, server/listener and crd";
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
      {"Boost.Asio",
       {"boost/asio.hpp", "boost/asio/*"},
       Modules{"http/net", "http/tls", "http/dns", "http/client", "http/server", "relay/request", "server/listener",
               "crd"},
       k_sockets},
  };
  return table;
}

std::string list(const Modules& modules) {
  std::string text;
  for (const std::string& module : modules) text += (text.empty() ? "" : ", ") + module;
  return text.empty() ? "none" : text;
}

// Shared by the sources of one topic and by nobody else: its folder's public headers do not include it.
constexpr std::string_view k_private_header = "lib/provider/echo_turn.h";

// The one source of ledger/sql that knows which engine is behind it.
constexpr std::string_view k_knows_the_engine = "lib/ledger/sql/sql_session.cpp";

// What is wrong with one include, or nothing.
std::optional<std::string> fault_of(const SourceFile& file, const Include& include) {
  const std::string module = file.module();
  const auto known = table().find(module);
  if (known == table().end()) return "the folder \"" + module + "\" is in no row of the table of arrows";
  for (const Outside& outside : outside_libraries()) {
    if (!outside.has(include.target)) continue;
    const std::string what = "<" + include.target + "> (" + std::string(outside.library) + "): ";
    if (outside.modules && !outside.modules->contains(module)) return what + std::string(outside.reason);
    const bool hidden = !outside.modules && file.is_header() && file.path.starts_with("lib/");
    if (hidden && file.path != k_private_header) return what + std::string(outside.reason);
  }
  if (!include.quoted) return std::nullopt;
  const std::size_t slash = include.target.rfind('/');
  // A program's files may name their neighbours bare; in lib/ the module is part of the name.
  if (slash == std::string::npos && file.path.starts_with("apps/")) return std::nullopt;
  if (slash == std::string::npos || include.target.starts_with('.')) {
    return "\"" + include.target + "\": write it with its folder, as in \"base/text.h\"";
  }
  const std::string other = include.target.substr(0, slash);
  const Modules& allowed = known->second.looks_into;
  if (other == "sqlite" && module == "ledger/sql" && file.path != k_knows_the_engine) {
    return "\"" + include.target + "\": " + module +
           " reaches the store by its SqlSession, whatever engine is behind it";
  }
  if (other == module || allowed.contains(other)) return std::nullopt;
  return "\"" + include.target + "\": " + module + " may look into " + list(allowed) + "; not into " + other;
}

TEST(Layers, includes_go_down_only) {
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

// The module of a target's name without "cr_": http/message of "http_message", server/admin of "server_admin_target",
// a part of it. "ledger" is ledger/core with the engine behind it.
std::string module_of_target(const std::string& target) {
  if (target == "ledger") return "ledger/core";
  std::string best, best_name;
  for (const auto& [module, row] : table()) {
    std::string name = module;
    std::replace(name.begin(), name.end(), '/', '_');
    if ((target == name || target.starts_with(name + '_')) && name.size() > best_name.size()) {
      best = module;
      best_name = name;
    }
  }
  return best;
}

// "cr_base" and "cr_http_message" of "target_link_libraries(x PUBLIC cr_base cr_http_message)": base, http/message.
std::vector<std::string> modules_linked(std::string_view line) {
  std::vector<std::string> modules;
  for (std::size_t begin = line.find("cr_"); begin != std::string_view::npos; begin = line.find("cr_", begin + 3)) {
    const std::size_t end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin);
    const std::string target(line.substr(begin + 3, std::min(end, line.size()) - begin - 3));
    const std::string module = module_of_target(target);
    if (!module.empty()) modules.push_back(module);
  }
  return modules;
}

TEST(Layers, links_go_down_only) {
  std::size_t checked = 0;
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    const auto known = table().find(file.module());
    if (file.name() != "CMakeLists.txt" || known == table().end()) continue;
    const Modules& allowed = known->second.looks_into;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string& other : modules_linked(file.lines[i])) {
        ++checked;
        if (other == file.module() || allowed.contains(other)) continue;
        ADD_FAILURE() << at(file, i + 1) << ": " << file.module() << " may link " << list(allowed) << "; not " << other;
      }
    }
  }
  EXPECT_GT(checked, 5U) << "the tree was not found under " << CR_SOURCE_DIR;
}

TEST(Layers, looks_go_down_and_what_goes_sideways_has_its_reason) {
  for (const auto& [module, row] : table()) {
    for (const std::string& other : row.looks_into) {
      const auto known = table().find(other);
      ASSERT_NE(known, table().end()) << module << " looks into " << other << ", which has no row";
      const bool down = known->second.layer < row.layer || other == "base" || top_of(other) == top_of(module);
      EXPECT_TRUE(down || sideways().contains({module, other})) << module << " looks into " << other;
    }
  }
  for (const auto& [arrow, reason] : sideways()) {
    EXPECT_TRUE(table().at(arrow.first).looks_into.contains(arrow.second)) << arrow.first << " no longer does it";
  }
}

// "http::tls" of "http/tls".
std::string namespace_of(std::string module) {
  const std::size_t slash = module.find('/');
  return slash == std::string::npos ? module : module.replace(slash, 1, "::");
}

// "class Database;": what a header names without including it.
bool only_declares(const std::string& line) {
  return (line.starts_with("class ") || line.starts_with("struct ")) && line.ends_with(';');
}

// Every namespace that a file of lib/ opens is its module's, or one within it; or it declares another module's class.
TEST(Layers, namespaces_follow_the_folders) {
  std::size_t checked = 0;
  for (const SourceFile& file : read_tree({"lib"})) {
    const auto known = table().find(file.module());
    if (!file.is_cpp() || known == table().end()) continue;
    std::string expected(known->second.name_space);
    if (expected.empty()) expected = "cr::" + namespace_of(file.module());
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (!line.starts_with("namespace cr")) continue;
      if (i + 1 < file.lines.size() && only_declares(file.lines[i + 1])) continue;
      ++checked;
      const std::string name = line.substr(10, line.find(' ', 10) - 10);
      EXPECT_TRUE(name == expected || name.starts_with(expected + "::")) << at(file, i + 1) << ": not " << expected;
    }
  }
  EXPECT_GT(checked, 100U) << "the tree was not found under " << CR_SOURCE_DIR;
}

TEST(Layers, the_checker_sees_links) {
  EXPECT_EQ(modules_linked("cr_layer(token SOURCES key.cpp PUBLIC cr_base PRIVATE cr_asio cr_ledger)"),
            (std::vector<std::string>{"base", "ledger/core"}));
  EXPECT_EQ(modules_linked("target_link_libraries(cr_token PUBLIC cr_http_message cr_server_admin_target)"),
            (std::vector<std::string>{"token", "http/message", "server/admin"}));
  EXPECT_TRUE(modules_linked("target_link_libraries(x PRIVATE cr_settings cr_baseline)").empty());
}

TEST(Layers, the_table_has_no_circle) {
  // Each round takes away the modules that look into none of those left.
  std::map<std::string, Row> left = table();
  while (!left.empty()) {
    const auto ground = std::find_if(left.begin(), left.end(), [&](const auto& row) {
      const Modules& others = row.second.looks_into;
      return std::none_of(others.begin(), others.end(), [&](const auto& other) { return left.contains(other); });
    });
    ASSERT_NE(ground, left.end()) << "a circle among " << left.size() << " modules, " << left.begin()->first
                                  << " one of them";
    left.erase(ground);
  }
}

struct FaultCase {
  std::string path, line;
  bool faulty;
};

// The rule itself is tested: a checker that sees nothing would pass for ever.
TEST(Layers, the_checker_sees) {
  const FaultCase table[] = {
      {"lib/base/text.cpp", "#include \"base/text.h\"", false},
      {"lib/base/text.cpp", "#include \"token/key.h\"", true},
      {"lib/token/key.cpp", "#include \"dialect/meter.h\"", true},
      {"lib/ledger/sql/sql_session.cpp", "  #  include \"sqlite/database.h\"", false},
      {"lib/ledger/sql/sql_session.h", "#include \"sqlite/database.h\"", true},
      {"lib/ledger/sql/store.cpp", "#include \"sqlite/database.h\"", true},
      {"lib/ledger/core/records.cpp", "#include \"sqlite/database.h\"", true},
      {"lib/ledger/sql/store.cpp", "#include \"relay/request/pump.h\"", true},
      {"lib/relay/request/pump.cpp", "#include \"sqlite/database.h\"", true},
      {"lib/relay/request/pump.cpp", "#include \"admin/client.h\"", true},
      {"lib/server/listener/worker.cpp", "#include \"relay/request/pump.h\"", false},
      {"lib/ledger/core/records.cpp", "#include \"ledger/sql/rows.h\"", true},
      {"lib/ledger/sqlite/schema.cpp", "#include \"ledger/sql/rows.h\"", false},
      {"lib/ledger/sqlite/schema.cpp", "#include \"ledger/rows.h\"", true},
      {"lib/relay/request/pump.cpp", "#include \"ledger/sqlite/schema.h\"", true},
      {"apps/crctl/main.cpp", "#include \"ledger/core/store.h\"", true},
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
      {"lib/dialect/scan.h", "#include <simdjson.h>", true},
      {"lib/server/config/config.h", "#include <toml++/toml.h>", true},
      {"apps/crctl/output.h", "#include <nlohmann/json.hpp>", false},
      {"lib/http/client/reader.h", "#include <boost/asio/io_context.hpp>", false},
      {"lib/ledger/sql/store.cpp", "#include <boost/asio/io_context.hpp>", true},
      {"lib/ledger/sql/store.cpp", "#include <boost/asio.hpp>", true},
      {"lib/http/message/sse.cpp", "#include <boost/asio/buffer.hpp>", true},
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
}  // namespace cr::architecture
