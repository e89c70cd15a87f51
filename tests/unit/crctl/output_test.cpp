// SPDX-License-Identifier: MIT
// Errors, exit codes, keys on their way out.
#include "crctl/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crctl/clipboard.h"
#include "crctl/exit.h"
#include "crctl/key_sink.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;

TEST(Exit, every_error_has_its_code) {
  struct Case {
    ErrorCode code;
    int exit;
  };
  for (const auto& [code, exit] :
       {Case{ErrorCode::invalid, 2}, Case{ErrorCode::forbidden, 4}, Case{ErrorCode::not_found, 10},
        Case{ErrorCode::conflict, 11}, Case{ErrorCode::not_retrievable, 12}, Case{ErrorCode::refused, 14},
        Case{ErrorCode::unavailable, 7}, Case{ErrorCode::timeout, 15}, Case{ErrorCode::exhausted, 1},
        Case{ErrorCode::upstream, 1}, Case{ErrorCode::corrupt, 1}, Case{ErrorCode::internal, 1}}) {
    EXPECT_EQ(static_cast<int>(exit_of(code)), exit) << base::name_of(code);
  }
}

Listing page_of(const std::vector<std::string>& names) {
  Listing page;
  page.columns = {{"name"}, {"id", Align::right}};
  for (const auto& name : names) {
    page.rows.push_back(
        {{{name, {}, Style::none}, {"7", {}, Style::none}}, name, "{\"name\":\"" + name + "\",\"id\":7}"});
  }
  return page;
}

// What a list of these pages is on stdout.
std::string printed(const std::string& mode, const std::vector<std::vector<std::string>>& pages) {
  Globals globals;
  globals.output = mode;
  Terminal terminal;
  Output output(globals, terminal);
  testing::internal::CaptureStdout();
  Output::Pages list(output);
  for (const auto& names : pages) EXPECT_TRUE(list.add(page_of(names)));
  EXPECT_TRUE(list.end("the end"));
  return testing::internal::GetCapturedStdout();
}

TEST(Pages, are_one_list_in_every_mode) {
  for (const char* mode : {"json", "jsonl", "name", "csv", "tsv", "table", "wide"}) {
    EXPECT_EQ(printed(mode, {{"aa", "b"}, {"c"}, {}}), printed(mode, {{"aa", "b", "c"}})) << mode;
    EXPECT_EQ(printed(mode, {{}, {"c"}}), printed(mode, {{"c"}})) << mode;
  }
  EXPECT_EQ(printed("json", {{}}), "[]\n");
  EXPECT_EQ(printed("json", {{"a"}, {"b"}}),
            "[\n  {\n    \"name\": \"a\",\n    \"id\": 7\n  },\n  {\n    \"name\": \"b\",\n    \"id\": 7\n  }\n]\n");
  EXPECT_EQ(printed("tsv", {{}}), "name\tid\n");
  EXPECT_EQ(printed("tsv", {{"a"}, {"b"}}), "name\tid\na\t7\nb\t7\n");
  EXPECT_EQ(printed("table", {{"a"}, {"b"}}), "NAME  ID\na      7\nb      7\nthe end\n");
  EXPECT_EQ(printed("table", {{}}), "the end\n");
}

TEST(ErrorAsJson, is_one_object) {
  EXPECT_EQ(
      error_as_json({ErrorCode::not_found, "no token named 'ci-runnr'", "did you mean 'ci-runner'?"}, Exit::not_found,
                    {}),
      R"({"code":"not_found","message":"no token named 'ci-runnr'","hint":"did you mean 'ci-runner'?","exit":10,"request_id":null})");
  EXPECT_EQ(error_as_json({ErrorCode::internal, "a \"quote\"", {}}, Exit::failed, "req_1"),
            R"({"code":"internal","message":"a \"quote\"","hint":null,"exit":1,"request_id":"req_1"})");
}

TEST(KeyFile, has_the_format_asked_for) {
  EXPECT_EQ(key_file_text("key", "sk-cr-x", "{}"), "sk-cr-x\n");
  EXPECT_EQ(key_file_text("env", "sk-cr-x", "{}"), "OPENAI_API_KEY=sk-cr-x\n");
  EXPECT_EQ(key_file_text("json", "sk-cr-x", R"({"name":"ci"})"),
            "{\n  \"name\": \"ci\",\n  \"key\": \"sk-cr-x\"\n}\n");
}

TEST(Osc52, is_base64) {
  EXPECT_EQ(osc52("a"), "\033]52;c;YQ==\a");
  EXPECT_EQ(osc52("ab"), "\033]52;c;YWI=\a");
  EXPECT_EQ(osc52("abc"), "\033]52;c;YWJj\a");
  EXPECT_EQ(osc52(""), "\033]52;c;\a");
}

TEST(Globals, modes_follow_the_flags) {
  Globals globals;
  EXPECT_EQ(globals.mode(), Mode::automatic);
  globals.quiet = true;
  EXPECT_EQ(globals.mode(), Mode::name);
  globals.json = true;
  EXPECT_EQ(globals.mode(), Mode::json);
  globals.output = "csv";
  EXPECT_EQ(globals.mode(), Mode::csv);
}

}  // namespace
}  // namespace cr::crctl
