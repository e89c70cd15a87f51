// SPDX-License-Identifier: MIT
// How long a function may be, and that each source of lib/ has its unit test. Reads layout as clang-format writes it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "architecture/source_tree.h"
#include "base/text.h"

namespace cr::architecture {
namespace {

constexpr std::size_t k_function_lines_max = 50;

struct Function {
  std::string head;  // its first line
  std::size_t line = 0;
  std::size_t lines = 0;
};

bool opens_something_else(std::string_view line) {
  for (const std::string_view word : {"namespace", "struct", "class", "enum", "union", "extern", "constexpr", "const ",
                                      "static const", "inline const"}) {
    if (line.starts_with(word)) return true;
  }
  return false;
}

// Those that stand in a namespace: what is defined in a class is short by its nature, and counted with it nowhere.
// A head may take several lines, of which the first begins in the first column; tables are none.
std::vector<Function> functions_of(const SourceFile& file) {
  std::vector<Function> functions;
  std::optional<std::size_t> begin;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (line.empty() || line.front() == ' ' || line.front() == '#' || line.starts_with("//")) continue;
    if (line.front() == '}') {
      if (begin) functions.push_back({file.lines[*begin], *begin + 1, i - *begin + 1});
      begin.reset();
    } else if (line.ends_with(';') || opens_something_else(line)) {
      begin.reset();
    } else if (line.find('(') != line.npos) {
      begin = i;
    }
  }
  return functions;
}

TEST(Shape, functions_fit_on_a_screen) {
  std::size_t seen = 0;
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    if (!file.is_cpp()) continue;
    for (const Function& function : functions_of(file)) {
      ++seen;
      if (function.lines <= k_function_lines_max) continue;
      ADD_FAILURE() << at(file, function.line) << ": " << function.lines << " lines, over " << k_function_lines_max
                    << ": " << function.head;
    }
  }
  EXPECT_GT(seen, 1500U) << "functions are not recognised any more";
}

// Sources without a unit test of their own name, by a pattern of their path below lib/, and which tests see to them
// instead.
struct Elsewhere {
  std::string_view sources;
  std::string_view tests;  // one file, or a folder with others; must exist
  std::string_view reason;
};

const std::vector<Elsewhere>& elsewhere() {
  static const std::vector<Elsewhere> table = {
      {"admin/*messages", "tests/unit/admin/messages_test.cpp", "every message there and back in one table"},
      {"admin/fields", "tests/unit/admin/messages_test.cpp", "what reads and writes the members of messages"},
      {"admin/redact", "tests/unit/admin/messages_test.cpp", "what is left out of messages in logs"},
      {"base/columns", "tests/unit/crctl/table_test.cpp", "the widths of crctl's tables"},
      {"base/freed_memory", "tests/integration/memory_test.cpp", "what the system has back once a peak is over"},
      {"base/rate", "tests/unit/billing/price_test.cpp", "the numbers of prices"},
      {"base/utf8", "tests/unit/base/text_test.cpp", "text as UTF-8"},
      {"billing/ceilings", "tests/unit/billing/units_test.cpp", "what bodies come to at most"},
      {"billing/cost", "tests/unit/billing/price_test.cpp", "what a usage costs by a price"},
      {"dialect/content_walk", "tests/unit/dialect/content_test.cpp", "the contents of requests"},
      {"dialect/policy_key", "tests/unit/dialect/content_test.cpp", "members of requests by their names"},
      {"dialect/text_tally", "tests/unit/dialect/meter_test.cpp", "the text that an estimate counts"},
      {"dialect/top_level", "tests/unit/dialect/request_scan_test.cpp", "the outermost members of requests"},
      {"dialect/usage_report", "tests/unit/dialect/meter_test.cpp", "what providers say that was used"},
      {"dialect/*/meter_form", "tests/unit/dialect/meter_test.cpp", "both dialects' responses in the same tables"},
      {"dialect/openai/usage", "tests/unit/dialect/meter_test.cpp", "the usage objects within those responses"},
      {"dialect/*/probe_body", "tests/unit/provider/provider_test.cpp", "with the kinds that send it"},
      {"dialect/openai/multipart_head", "tests/unit/dialect/openai", "the heads of a form's parts"},
      {"http/client/tunnel", "tests/integration/upstream_network_test.cpp", "needs a proxy"},
      {"http/client/upstream", "tests/integration/upstream_faults_test.cpp", "needs a provider, well or badly behaved"},
      {"http/dns/egress_policy", "tests/unit/http/dns", "with the names it resolves"},
      {"http/message/head_fields", "tests/unit/http/message/request_head_test.cpp", "the fields of both kinds of head"},
      {"http/net/*", "tests/unit/http/server/connection_test.cpp", "needs an event loop with sockets"},
      {"http/server/connection_*", "tests/unit/http/server/connection_test.cpp", "parts of one connection"},
      {"http/tls/*", "tests/integration/tls_test.cpp", "needs two ends of a connection"},
      {"json/*", "tests/unit/json/cursor_test.cpp", "reading and writing JSON"},
      {"ledger/core/channel_*", "tests/unit/ledger/sql/store_channels_test.cpp",
       "rules of channels' settings, as they are refused"},
      {"ledger/core/directory_builder", "tests/unit/ledger/core/directory_test.cpp", "what makes directories"},
      {"ledger/core/engine*", "tests/unit/ledger/sqlite/reserve_test.cpp", "needs a store behind it"},
      {"ledger/core/ledger", "tests/unit/ledger/sqlite/reserve_test.cpp", "the ledger as its callers see it"},
      {"ledger/core/model_index", "tests/unit/ledger/core/directory_test.cpp", "compared with trying every pattern"},
      {"ledger/core/records", "tests/unit/ledger/core/directory_test.cpp", "rows of settings in memory"},
      {"ledger/core/work_queue", "tests/unit/ledger/sqlite/reserve_test.cpp", "what waits for the ledger thread"},
      {"ledger/sql/audit", "tests/unit/ledger/sql/reports_test.cpp", "the chain is told by its report"},
      {"ledger/sql/loading", "tests/unit/ledger/core/directory_test.cpp", "what is loaded is a directory"},
      {"ledger/sql/reports_*", "tests/unit/ledger/sql/reports_test.cpp", "one store with something of everything"},
      {"ledger/sql/rows", "tests/unit/ledger/sql/store_tokens_test.cpp", "columns of records there and back"},
      {"ledger/sql/settings_check", "tests/unit/ledger/sqlite/tampering_test.cpp", "what is told of changed settings"},
      {"ledger/sql/store_*", "tests/unit/ledger/sql/store_names_test.cpp", "changes of the records that have names"},
      {"ledger/sql/usage_pieces", "tests/unit/ledger/sqlite/usage_sums_test.cpp", "the pieces of reports of usage"},
      {"ledger/sqlite/balance_changes", "tests/unit/ledger/sql/store_tokens_test.cpp",
       "what changes of tokens leave behind"},
      {"ledger/sqlite/balances", "tests/unit/ledger/sqlite/reserve_test.cpp",
       "reservations need the thread that commits"},
      {"ledger/sqlite/balances_loading", "tests/unit/ledger/sqlite/recovery_test.cpp", "what a start finds"},
      {"ledger/sqlite/budgets", "tests/unit/ledger/sqlite/budget_test.cpp", "windows need the thread that commits"},
      {"ledger/sqlite/checkpoint", "tests/unit/ledger/sqlite/power_loss_test.cpp", "what is durable when"},
      {"ledger/sqlite/chores", "tests/unit/ledger/sqlite/usage_sums_test.cpp", "what is summed up, and pruned"},
      {"ledger/sqlite/head_keeper", "tests/unit/ledger/sqlite/store_head_test.cpp", "its thread needs a store"},
      {"ledger/sqlite/key_uses", "tests/unit/ledger/sql/store_keys_test.cpp", "when keys were used, as rotations ask"},
      {"ledger/sqlite/ledger_thread", "tests/unit/ledger/sqlite/reserve_test.cpp", "the thread behind it"},
      {"ledger/sqlite/pruning", "tests/unit/ledger/sqlite/usage_sums_test.cpp", "what is pruned was summed up before"},
      {"ledger/sqlite/request_rows", "tests/unit/ledger/sqlite/reserve_test.cpp", "what an ending leaves behind"},
      {"ledger/sqlite/settings_watch", "tests/unit/ledger/sql/settings_replay_test.cpp", "every change is followed"},
      {"ledger/sqlite/sqlite_engine", "tests/unit/ledger/sqlite/reserve_test.cpp", "the engine behind the ledger"},
      {"ledger/sqlite/store_file", "tests/unit/ledger/sqlite/store_faults_test.cpp", "opening a store, well or badly"},
      {"provider/echo_*", "tests/unit/provider/echo_test.cpp", "one provider, a file a dialect"},
      {"provider/*", "tests/unit/provider/provider_test.cpp", "a table of the kinds by the endpoints"},
      {"relay/request/channel_probe", "tests/integration/verbs_channel_test.cpp", "needs a provider"},
      {"relay/request/exchange", "tests/integration", "needs a client and a provider: the real crd between both"},
      {"relay/request/health_log", "tests/integration/whose_fault_test.cpp", "what is logged of a channel's health"},
      {"relay/request/ledger_wait", "tests/integration/store_trouble_test.cpp", "needs a store that does not answer"},
      {"relay/request/metrics", "tests/unit/relay/request/ledger_entry_test.cpp", "what endings are counted as"},
      {"relay/request/local_endpoints", "tests/integration/endpoints_test.cpp", "needs a client"},
      {"relay/request/own_probe", "tests/integration/whose_fault_test.cpp", "needs a provider"},
      {"relay/request/rates", "tests/unit/relay/request/admission_test.cpp", "what a refusal by a rate says"},
      {"relay/request/stored", "tests/integration/stored_response_test.cpp", "needs a provider that keeps responses"},
      {"relay/request/upstream_response", "tests/integration/upstream_faults_test.cpp", "needs a provider"},
      {"relay/request/worker_context", "tests/integration/lifecycle_test.cpp", "needs a worker with its event loop"},
      {"server/admin/*", "tests/unit/server/admin", "routes are tried over the socket, by what they are about"},
      {"server/config/*", "tests/unit/server/config/config_test.cpp", "the configuration as its reader sees it"},
      {"server/listener/*", "tests/integration/http_test.cpp", "needs a client"},
  };
  return table;
}

const Elsewhere* row_of(const std::string& source) {
  const auto found = std::find_if(elsewhere().begin(), elsewhere().end(),
                                  [&](const Elsewhere& row) { return base::glob_match(row.sources, source); });
  return found == elsewhere().end() ? nullptr : &*found;
}

TEST(Shape, each_source_has_its_unit_test_or_a_reason) {
  std::set<std::string> tests, folders, sources;
  for (const SourceFile& file : read_tree({"tests"})) {
    tests.insert(file.path);
    folders.insert(file.path.substr(0, file.path.rfind('/')));
  }
  std::set<std::string_view> used;
  for (const SourceFile& file : read_tree({"lib"})) {
    if (file.extension() != ".cpp") continue;
    const auto source = file.path.substr(4, file.path.size() - 8);
    const bool has_its_own = tests.contains("tests/unit/" + source + "_test.cpp");
    const Elsewhere* const row = row_of(source);
    if (row != nullptr) used.insert(row->sources);
    if (!has_its_own && row == nullptr) {
      ADD_FAILURE() << file.path << ": write tests/unit/" << source << "_test.cpp, or say in the table what tests it";
    }
    sources.insert(source);
  }
  EXPECT_GT(sources.size(), 100U);
  for (const Elsewhere& row : elsewhere()) {
    const std::string path(row.tests);
    EXPECT_TRUE(tests.contains(path) || folders.contains(path)) << path << " is in the table and not there";
    EXPECT_TRUE(used.contains(row.sources)) << row.sources << ": no source is so called";
    EXPECT_GT(row.reason.size(), 10U) << row.sources;
  }
}

TEST(Shape, the_checker_sees) {
  const auto lengths = [](std::vector<std::string> lines) {
    std::vector<std::size_t> found;
    for (const Function& function : functions_of({"lib/a/b.cpp", std::move(lines)})) found.push_back(function.lines);
    return found;
  };
  using Lengths = std::vector<std::size_t>;
  EXPECT_EQ(lengths({"int f() {", "  return 1;", "}"}), Lengths{3});
  EXPECT_EQ(lengths({"int A::f(int a,", "         int b) const {", "  return 1;", "}"}), Lengths{4});
  EXPECT_EQ(lengths({"A::A(int a)", "    : a_(a) {", "  go();", "}", "", "void g() {", "}"}), (Lengths{4, 2}));
  EXPECT_EQ(lengths({"int f();", "constexpr T k[] = {", "  {f(1)},", "};", "namespace {", "}  // namespace"}),
            Lengths{});
  EXPECT_EQ(lengths({"class A {", "  void f() {", "  }", "};"}), Lengths{});
}

}  // namespace
}  // namespace cr::architecture
