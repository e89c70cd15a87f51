// SPDX-License-Identifier: MIT
// What the tests of crctl's verbs share: command lines, the lines of an answer, tables of refusals.
#pragma once

#include <sstream>

#include "integration/gateway.h"

namespace cr::test {

using Args = std::vector<std::string>;

inline Args operator+(Args left, const Args& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// The answer of a verb that must succeed, as JSON.
inline Json json_of(Daemon& daemon, const Args& args, std::string_view in = {}) {
  return Json::parse(daemon.must(args + Args{"--json"}, in));
}

inline std::string field_of(Daemon& daemon, const std::string& noun, const std::string& name,
                            const std::string& field) {
  auto value = daemon.must({noun, "show", name, "--field", field});
  value.pop_back();
  return value;
}

// Of ten tokens, to be answered with so many.
inline Json chat_of(const std::string& model, int output) {
  const auto terms = "[[input=10 output=" + std::to_string(output) + "]]";
  return chat(model, {{"messages", Json::array({{{"role", "user"}, {"content", terms}}})}});
}

struct Refusal {
  Args args;
  int exit;
  std::string message, hint;  // parts of them; no hint: there must be none
};

// Each says nothing on stdout, one `error:` line and, where there is a way out, one `hint:` line; and as JSON the same.
inline void expect_refusals(Daemon& daemon, const std::vector<Refusal>& table) {
  for (const auto& row : table) {
    std::string spoken;
    for (const auto& arg : row.args) spoken += " " + arg;
    SCOPED_TRACE("crctl" + spoken);
    const auto answer = daemon.crctl(row.args);
    EXPECT_EQ(answer.exit, row.exit);
    EXPECT_EQ(answer.out, "");
    const auto said = lines(answer.err);
    if (said.size() != (row.hint.empty() ? 1U : 2U)) {
      ADD_FAILURE() << answer.err;
      continue;
    }
    EXPECT_THAT(said[0], testing::StartsWith("error: "));
    EXPECT_THAT(said[0], testing::HasSubstr(row.message));
    if (!row.hint.empty()) {
      EXPECT_THAT(said[1], testing::StartsWith("hint: "));
      EXPECT_THAT(said[1], testing::HasSubstr(row.hint));
    }
    const auto again = daemon.crctl(row.args + Args{"--json"});
    EXPECT_EQ(again.exit, row.exit);
    const Json error = Json::parse(again.err, nullptr, false);
    ASSERT_TRUE(error.is_object()) << again.err;
    EXPECT_EQ(error.at("exit"), row.exit);
    EXPECT_EQ("error: " + error.at("message").get<std::string>(), said[0]);
    EXPECT_EQ(error.at("hint").is_null(), row.hint.empty());
  }
}

}  // namespace cr::test
