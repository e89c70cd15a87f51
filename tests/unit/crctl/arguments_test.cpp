// SPDX-License-Identifier: MIT
#include "crctl/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/flags.h"
#include "crctl/help.h"

namespace cr::crctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

// A small tree of the same make as crctl's.
class Arguments : public testing::Test {
 protected:
  Arguments() : commands_(globals_) {
    CLI::App& token = commands_.noun("token", "Tokens.");
    const auto nothing = [](Context&) -> base::Result<Exit> { return Exit::done; };
    CLI::App& edit = commands_.verb(token, {"edit", "Edit.", {}, {}}, Effect::changes, nothing);
    add_name(edit, "NAME", "TOKEN", "The token.", name_);
    add_text(edit, "--quota", "AMOUNT", "Quota.", quota_);
    add_texts(edit, "--models", "LIST", "Models.", models_);
    add_choice(edit, "--when-low", "clamp|refuse", "Low.", when_low_);
    add_number(edit, "--priority", "N", "Priority.", priority_);
    edit.add_flag("--disabled", disabled_, "Disabled.");
    CLI::App& list = commands_.verb(token, {"list", "List.", {}, {}}, Effect::reads, nothing);
    add_names(list, "NAME", "TOKEN", "Tokens.", names_)->required(false);
    CLI::App& credit = commands_.verb(token, {"credit", "Credit.", {}, {}}, Effect::changes, nothing);
    add_name(credit, "NAME", "TOKEN", "The token.", name_);
    add_name(credit, "AMOUNT", "AMOUNT", "The amount.", amount_);
    auto* left = credit.add_flag("--left", disabled_, "Left.");
    credit.add_flag("--right", right_, "Right.")->excludes(left);
    add_text(credit, "--kind", "KIND", "Kind.", kind_)->required();
  }

  base::Result<ReadWords> read(const std::vector<std::string>& words) {
    return read_arguments(commands_.root(), words);
  }
  // The error's message and hint of words that must be refused.
  std::string refusal(const std::vector<std::string>& words) {
    const auto done = read(words);
    if (done) return "was not refused";
    EXPECT_EQ(done.error().code, base::ErrorCode::invalid);
    return done.error().message + " / " + done.error().hint;
  }

  Globals globals_;
  Commands commands_;
  std::string name_, amount_;
  std::optional<std::string> quota_, when_low_, kind_;
  std::optional<Texts> models_;
  std::optional<std::int64_t> priority_;
  Texts names_;
  bool disabled_ = false, right_ = false;
};

TEST_F(Arguments, global_flags_stand_anywhere) {
  const auto done =
      read({"--json", "token", "--socket=/s", "edit", "-y", "ci", "--quota", "5", "--timeout", "3s", "-q"});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(spoken_path(*done->app), "crctl token edit");
  EXPECT_EQ(name_, "ci");
  EXPECT_THAT(quota_, Optional(std::string("5")));
  EXPECT_TRUE(globals_.json && globals_.yes && globals_.quiet);
  EXPECT_THAT(globals_.socket, Optional(std::string("/s")));
  EXPECT_EQ(globals_.timeout, std::chrono::seconds(3));
}

TEST_F(Arguments, short_flags_join) {
  ASSERT_TRUE(read({"token", "list", "-qyojson"}));
  EXPECT_TRUE(globals_.quiet && globals_.yes);
  EXPECT_EQ(globals_.mode(), Mode::json);
}

TEST_F(Arguments, aliases_and_plurals_are_names) {
  const auto done = read({"tokens", "ls"});
  ASSERT_TRUE(done);
  EXPECT_EQ(spoken_path(*done->app), "crctl token list");
}

TEST_F(Arguments, a_token_may_be_named_like_a_verb) {
  ASSERT_TRUE(read({"token", "edit", "list", "--quota", "1"}));
  EXPECT_EQ(name_, "list");
}

TEST_F(Arguments, negative_amounts_are_values) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"token", "edit", "ci", "--quota", "-5"},
                                                                 {"token", "edit", "ci", "--quota=-5"}}) {
    ASSERT_TRUE(read(words));
    EXPECT_THAT(quota_, Optional(std::string("-5")));
    commands_.root().clear();
  }
  ASSERT_TRUE(read({"token", "credit", "ci", "-5", "--kind", "x"}));
  EXPECT_EQ(amount_, "-5");
}

TEST_F(Arguments, a_blank_value_is_a_value) {
  ASSERT_TRUE(read({"token", "edit", "--models", "", "ci"}));
  EXPECT_EQ(name_, "ci");
  ASSERT_TRUE(models_);
  EXPECT_THAT(*models_, ElementsAre(""));
}

TEST_F(Arguments, lists_keep_every_occurrence) {
  ASSERT_TRUE(read({"token", "edit", "ci", "--models", "a,b", "--models=+c", "--models", "-d"}));
  ASSERT_TRUE(models_);
  EXPECT_THAT(*models_, ElementsAre("a,b", "+c", "-d"));
}

TEST_F(Arguments, the_last_of_several_wins) {
  ASSERT_TRUE(read({"token", "edit", "ci", "--quota", "1", "--quota", "2"}));
  EXPECT_THAT(quota_, Optional(std::string("2")));
}

TEST_F(Arguments, odd_values_arrive_as_they_are) {
  for (const char* value : {"{}", "[a,b]", "%%", "a b", "--x"}) {
    ASSERT_TRUE(read({"token", "edit", "ci", std::string("--quota=") + value})) << value;
    EXPECT_THAT(quota_, Optional(std::string(value)));
    commands_.root().clear();
  }
}

TEST_F(Arguments, after_two_dashes_all_are_names) {
  ASSERT_TRUE(read({"token", "list", "--", "--json", "-x"}));
  EXPECT_THAT(names_, ElementsAre("--json", "-x"));
  EXPECT_FALSE(globals_.json);
}

TEST_F(Arguments, refusals_name_the_thing_and_the_way_out) {
  struct Case {
    std::vector<std::string> words;
    const char* message;
    const char* hint;
  };
  for (const auto& [words, message, hint] : {
           Case{{"tokne"}, "unknown command 'tokne'", "did you mean 'token'?"},
           Case{{"token", "edti"}, "'token' has no verb 'edti'", "did you mean 'edit'?"},
           Case{{"token", "edi", "ci"}, "'token' has no verb 'edi'", "did you mean 'edit'?"},
           Case{{"token", "edit", "ci", "--qouta", "5"}, "unknown flag --qouta", "did you mean --quota?"},
           Case{{"token", "edit", "ci", "--jsn"}, "unknown flag --jsn", "did you mean --json?"},
           Case{{"token", "edit", "ci", "-Z"}, "unknown flag -Z", "crctl token edit --help"},
           Case{{"token", "edit", "ci", "--quota"}, "--quota needs a value: AMOUNT", "--help"},
           Case{{"token", "edit", "ci", "--quota", "--json"}, "--quota needs a value", "--quota=--json"},
           Case{{"token", "edit", "ci", "--disabled=yes"}, "--disabled takes no value", "--help"},
           Case{{"token", "edit"}, "'crctl token edit' needs NAME", "--help"},
           Case{{"token", "edit", "a", "b"}, "unexpected argument 'b'", "--help"},
           Case{
               {"token", "edit", "a", "--when-low", "clmp"}, "--when-low: 'clmp' is not one of clamp, refuse", "clamp"},
           Case{{"token", "edit", "a", "--priority", "x"}, "--priority: 'x' is not a whole number", ""},
           Case{{"token", "edit", "a", "--timeout", "10"}, "--timeout: ", "30d"},
           Case{{"token", "credit", "a", "5"}, "needs --kind", "--help"},
           Case{{"token", "credit", "a", "5", "--kind", "k", "--left", "--right"}, "cannot be given together", ""},
           Case{{"-o", "yaml", "token", "list"}, "--output: 'yaml' is not one of", ""},
       }) {
    const std::string text = refusal(words);
    EXPECT_THAT(text, HasSubstr(message));
    EXPECT_THAT(text, HasSubstr(hint)) << message;
    commands_.root().clear();
    disabled_ = right_ = false;
  }
}

TEST_F(Arguments, help_needs_no_names) {
  const auto done = read({"token", "edit", "--help"});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->help);
  EXPECT_EQ(spoken_path(*done->app), "crctl token edit");
  EXPECT_TRUE(read({"-h"})->help);
}

TEST_F(Arguments, words_for_json_are_seen_before_they_are_read) {
  EXPECT_TRUE(asks_for_json(std::vector<std::string>{"nope", "--json"}));
  EXPECT_TRUE(asks_for_json(std::vector<std::string>{"-o", "jsonl"}));
  EXPECT_TRUE(asks_for_json(std::vector<std::string>{"-ojson"}));
  EXPECT_TRUE(asks_for_json(std::vector<std::string>{"--output=json"}));
  EXPECT_FALSE(asks_for_json(std::vector<std::string>{"-o", "table"}));
  EXPECT_FALSE(asks_for_json(std::vector<std::string>{"--", "--json"}));
}

// But for a word that is longer by itself, and examples, which are to be copied.
void expect_within(const std::string& text, std::size_t width, const std::string& where) {
  std::istringstream lines(text);
  bool is_example = false;
  for (std::string line; std::getline(lines, line);) {
    is_example = line == "Examples:" || (is_example && line.starts_with("  "));
    const auto words = base::split_list(line, ' ');
    if (is_example || words.size() < 2 || line.starts_with("Usage:")) continue;
    EXPECT_LE(line.size(), width) << where << ": " << line;
  }
}

TEST(AllCommands, every_verb_has_help_with_an_example_within_any_width) {
  Globals globals;
  Commands commands(globals);
  add_all(commands);
  std::size_t verbs = 0;
  const std::function<void(const CLI::App&)> visit = [&](const CLI::App& app) {
    const auto children = app.get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* child : children) visit(*child);
    if (!children.empty() || app.get_group().empty()) return;
    ++verbs;
    for (const std::size_t width : {40, 80, 100}) expect_within(help_text(app, width), width, spoken_path(app));
    EXPECT_THAT(help_text(app, 80), HasSubstr("Examples:\n  ")) << spoken_path(app);
    EXPECT_TRUE(commands.find_run(app) != nullptr) << spoken_path(app);
    for (const CLI::Option* option : app.get_options()) {
      EXPECT_FALSE(option->get_description().empty()) << spoken_path(app) << " " << option->get_name();
    }
  };
  visit(commands.root());
  EXPECT_GT(verbs, 40U);
}

}  // namespace
}  // namespace cr::crctl
