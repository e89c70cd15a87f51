// SPDX-License-Identifier: MIT
// docs/admin-api.openapi.json says what the table of routes and the messages say.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "json/tree.h"
#include "server/admin/routes.h"

namespace cr::server::admin {
namespace {

using json::Json;

const Json& description() {
  static const Json tree = [] {
    const std::ifstream file(CR_SOURCE_DIR "/docs/admin-api.openapi.json");
    std::stringstream text;
    text << file.rdbuf();
    auto parsed = json::parse_json(text.str(), std::size_t{4} << 20);
    EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
    return parsed.value_or(Json{});
  }();
  return tree;
}

const Json* find(const Json* json, std::initializer_list<std::string_view> path) {
  for (const auto name : path) json = json == nullptr ? nullptr : json->find(name);
  return json;
}

std::set<std::string> names_of(const Json* object) {
  std::set<std::string> names;
  if (object == nullptr) return names;
  for (const auto& member : object->members) names.insert(member.name);
  return names;
}

TEST(OpenApi, has_every_route_and_no_other) {
  std::set<std::string> described;
  const auto* paths = find(&description(), {"paths"});
  ASSERT_NE(paths, nullptr);
  for (const auto& path : paths->members) {
    for (const auto& method : path.value.members) described.insert(method.name + " " + path.name);
  }
  std::set<std::string> routes;
  for (const auto& route : admin_routes()) {
    routes.insert(base::to_lower_ascii(route.method) + " /admin/v1" + std::string(route.pattern));
  }
  EXPECT_EQ(described, routes);
}

TEST(OpenApi, has_the_parameters_of_each_route) {
  for (const auto& route : admin_routes()) {
    const auto* operation =
        find(&description(), {"paths", "/admin/v1" + std::string(route.pattern), base::to_lower_ascii(route.method)});
    ASSERT_NE(operation, nullptr) << route.pattern;
    std::set<std::string> query;
    bool dry_run = false;
    if (const auto* parameters = operation->find("parameters")) {
      for (const auto& parameter : parameters->items) {
        const auto* where = parameter.find("in");
        if (where != nullptr && where->text == "query") query.insert(parameter.find("name")->text);
        const auto* reference = parameter.find("$ref");
        dry_run = dry_run || (reference != nullptr && reference->text.ends_with("/DryRun"));
      }
    }
    EXPECT_EQ(dry_run, route.effect == Effect::changes) << route.pattern;
    if (route.parameters == "*") {
      EXPECT_FALSE(query.empty()) << route.pattern;
      continue;
    }
    const auto known = base::split_list(route.parameters, ' ');
    EXPECT_EQ(query, std::set(known.begin(), known.end())) << route.pattern;
  }
}

template <class T>
void expect_described(std::string_view name) {
  const auto written = json::parse_json(cr::admin::to_json(T{}), 1 << 20);
  ASSERT_TRUE(written.has_value());
  const auto* properties = find(&description(), {"components", "schemas", name, "properties"});
  EXPECT_EQ(names_of(properties), names_of(&*written)) << name;
}

TEST(OpenApi, tells_the_changes_of_every_edit) {
  for (const auto& [path, method] : {std::pair{"/channels/{name}", "patch"},
                                     {"/groups/{name}", "patch"},
                                     {"/accounts/{name}", "patch"},
                                     {"/accounts/{name}/credit", "post"},
                                     {"/prices/{model}", "put"}}) {
    const auto* schema = find(&description(), {"paths", std::string("/admin/v1") + path, method, "responses", "200",
                                               "content", "application/json", "schema", "allOf"});
    ASSERT_NE(schema, nullptr) << path;
    ASSERT_EQ(schema->items.size(), 2U) << path;
    EXPECT_EQ(schema->items[1].find("$ref")->text, "#/components/schemas/Changes") << path;
  }
}

TEST(OpenApi, has_every_member_of_the_messages) {
  expect_described<cr::admin::Account>("Account");
  expect_described<cr::admin::AccountCreate>("AccountCreate");
  expect_described<cr::admin::AccountCredit>("AccountCredit");
  expect_described<cr::admin::AuditEntry>("AuditEntry");
  expect_described<cr::admin::AuditVerified>("AuditVerified");
  expect_described<cr::admin::Budget>("Budget");
  expect_described<cr::admin::BudgetReset>("BudgetReset");
  expect_described<cr::admin::Channel>("Channel");
  expect_described<cr::admin::ChannelCreate>("ChannelCreate");
  expect_described<cr::admin::ChannelSetKey>("ChannelSetKey");
  expect_described<cr::admin::ChannelTest>("ChannelTest");
  expect_described<cr::admin::ChannelKeyTest>("ChannelKeyTest");
  expect_described<cr::admin::ConfigCheck>("ConfigCheck");
  expect_described<cr::admin::ConfigChecked>("ConfigChecked");
  expect_described<cr::admin::Group>("Group");
  expect_described<cr::admin::GroupCreate>("GroupCreate");
  expect_described<cr::admin::KeyInfo>("KeyInfo");
  expect_described<cr::admin::KeyVerdict>("KeyVerdict");
  expect_described<cr::admin::ModelEntry>("ModelEntry");
  expect_described<cr::admin::ChannelHealth>("ChannelHealth");
  expect_described<cr::admin::RouteChannel>("RouteChannel");
  expect_described<cr::admin::RouteExplained>("RouteExplained");
  expect_described<cr::admin::Price>("Price");
  expect_described<cr::admin::PriceQuote>("PriceQuote");
  expect_described<cr::admin::PriceQuoted>("PriceQuoted");
  expect_described<cr::admin::PriceSet>("PriceSet");
  expect_described<cr::admin::Refunded>("Refunded");
  expect_described<cr::admin::Request>("Request");
  expect_described<cr::admin::RequestRefund>("RequestRefund");
  expect_described<cr::admin::Status>("Status");
  expect_described<cr::admin::Token>("Token");
  expect_described<cr::admin::TokenCheck>("TokenCheck");
  expect_described<cr::admin::TokenCreate>("TokenCreate");
  expect_described<cr::admin::TokenEdited>("TokenEdited");
  expect_described<cr::admin::TokenRotate>("TokenRotate");
  expect_described<cr::admin::TokenVerdict>("TokenVerdict");
  expect_described<cr::admin::TokenWithKey>("TokenWithKey");
  expect_described<cr::admin::UsageReport>("UsageReport");
  expect_described<cr::admin::CostPart>("CostPart");
  expect_described<cr::admin::CostRow>("CostRow");
  expect_described<cr::admin::CostReport>("CostReport");
  expect_described<cr::admin::UsageRow>("UsageRow");
}

// Every edit the document allows is one that the daemon reads, member by member.
template <class T>
void expect_readable(std::string_view name, const std::map<std::string, std::string>& samples) {
  const auto* properties = find(&description(), {"components", "schemas", name, "properties"});
  std::set<std::string> sampled;
  for (const auto& [member, json] : samples) {
    sampled.insert(member);
    EXPECT_TRUE(cr::admin::from_json<T>("{\"" + member + "\":" + json + "}").has_value()) << name << "." << member;
  }
  EXPECT_EQ(names_of(properties), sampled) << name;
}

TEST(OpenApi, has_every_member_of_the_edits) {
  const std::string list = R"({"add":["x"]})";
  expect_readable<cr::admin::TokenEdit>("TokenEdit", {{"name", "\"a\""},
                                                      {"enabled", "true"},
                                                      {"expires_at", "null"},
                                                      {"not_before", "null"},
                                                      {"quota", "\"1\""},
                                                      {"budgets", R"({"day":"1","week":null,"month":{"delta":"1"}})"},
                                                      {"time_zone", "\"Europe/Berlin\""},
                                                      {"requests_per_minute", "null"},
                                                      {"tokens_per_minute", "1"},
                                                      {"requests_at_once", "1"},
                                                      {"models", list},
                                                      {"allow_ip", list},
                                                      {"groups", list},
                                                      {"account", "\"a\""},
                                                      {"when_low", "\"clamp\""},
                                                      {"tags", "{}"},
                                                      {"note", "\"\""}});
  expect_readable<cr::admin::ChannelEdit>("ChannelEdit", {{"enabled", "true"},
                                                          {"base_url", "\"\""},
                                                          {"bound_field", "\"\""},
                                                          {"note", "\"\""},
                                                          {"models", list},
                                                          {"groups", list},
                                                          {"model_map", "{}"},
                                                          {"priority", "1"},
                                                          {"weight", "1"},
                                                          {"timeout_connect_ms", "1"},
                                                          {"timeout_first_byte_ms", "1"},
                                                          {"timeout_idle_ms", "1"},
                                                          {"echo_delay_ms", "1"},
                                                          {"allow_private", "true"},
                                                          {"timeout_total_ms", "1"},
                                                          {"headers", "{}"},
                                                          {"proxy", "\"\""},
                                                          {"ca_file", "\"\""},
                                                          {"client_cert", "\"\""},
                                                          {"client_key", "\"\""},
                                                          {"strip", list},
                                                          {"service_tier", "\"\""},
                                                          {"stream_usage", "\"\""},
                                                          {"output_rate_max", "1"},
                                                          {"cancels", "\"\""},
                                                          {"retry_after_timeout", "true"}});
  expect_readable<cr::admin::GroupEdit>("GroupEdit", {{"multiplier", "\"1\""}, {"note", "\"\""}});
  expect_readable<cr::admin::AccountEdit>("AccountEdit", {{"enabled", "true"}, {"quota", "null"}, {"note", "\"\""}});
}

}  // namespace
}  // namespace cr::server::admin
