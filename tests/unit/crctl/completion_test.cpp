// SPDX-License-Identifier: MIT
#include "crctl/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "crctl/commands.h"

namespace cr::crctl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class CompletionOfCrctl : public testing::Test {
 protected:
  CompletionOfCrctl() : commands_(globals_) { add_all(commands_); }

  Completion completion(const std::vector<std::string>& words) {
    return complete(commands_.root(), words,
                    [&](std::string_view collection, const std::optional<std::string>& socket) {
                      asked_for_ = std::string(collection);
                      socket_ = socket.value_or("");
                      return std::vector<std::string>{"ci", "ci-nightly", "web"};
                    });
  }
  std::vector<std::string> values(const std::vector<std::string>& words) {
    std::vector<std::string> all;
    for (const auto& candidate : completion(words).candidates) all.push_back(candidate.value);
    return all;
  }

  Globals globals_;
  Commands commands_;
  std::string asked_for_, socket_;
};

TEST_F(CompletionOfCrctl, offers_nouns_and_verbs) {
  EXPECT_THAT(values({""}), Contains("token"));
  EXPECT_THAT(values({""}), Not(Contains("__complete")));
  EXPECT_THAT(values({"tok"}), ElementsAre("token"));
  EXPECT_THAT(values({"token", "re"}), ElementsAre("restore"));
}

TEST_F(CompletionOfCrctl, offers_flags) {
  EXPECT_THAT(values({"token", "create", "--quo"}), ElementsAre("--quota"));
  EXPECT_THAT(values({"token", "create", "--js"}), ElementsAre("--json"));
  EXPECT_THAT(values({"--ti"}), ElementsAre("--timeout"));
}

TEST_F(CompletionOfCrctl, offers_names_of_the_daemon) {
  EXPECT_THAT(values({"token", "show", "ci"}), ElementsAre("ci", "ci-nightly"));
  EXPECT_EQ(asked_for_, "tokens");
  EXPECT_THAT(values({"token", "delete", "web", "c"}), ElementsAre("ci", "ci-nightly"));
  EXPECT_THAT(values({"token", "create", "x", "--account", "w"}), ElementsAre("web"));
  EXPECT_EQ(asked_for_, "accounts");
  EXPECT_THAT(values({"--socket", "/s", "channel", "show", "w"}), ElementsAre("web"));
  EXPECT_EQ(asked_for_, "channels");
  EXPECT_EQ(socket_, "/s");
}

TEST_F(CompletionOfCrctl, offers_choices) {
  EXPECT_THAT(values({"token", "list", "-o", "js"}), ElementsAre("json", "jsonl"));
  EXPECT_THAT(values({"token", "list", "--output=w"}), ElementsAre("--output=wide"));
  EXPECT_THAT(values({"usage", "--by", "token,mod"}), ElementsAre("token,model"));
  EXPECT_THAT(values({"completion", "z"}), ElementsAre("zsh"));
  EXPECT_THAT(values({"token", "edit", "ci", "--models", "+w"}), ElementsAre("+web"));
}

TEST_F(CompletionOfCrctl, leaves_files_to_the_shell) {
  EXPECT_EQ(completion({"token", "create", "x", "--out", ""}).kind, Completion::Kind::files);
  EXPECT_EQ(completion({"token", "rotate", "--out-dir", ""}).kind, Completion::Kind::folders);
  EXPECT_EQ(completion({"price", "import", "p"}).kind, Completion::Kind::files);
}

TEST_F(CompletionOfCrctl, is_silent_where_nothing_fits) {
  EXPECT_THAT(values({"nonsense", ""}), IsEmpty());
  EXPECT_THAT(values({"token", "show", "ci", ""}), IsEmpty());
  EXPECT_THAT(values({"token", "create", "x", "--note", "w"}), IsEmpty());
}

TEST_F(CompletionOfCrctl, has_a_script_a_shell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    ASSERT_NE(completion_script(shell), nullptr) << shell;
    EXPECT_NE(std::string(completion_script(shell)).find("__complete --"), std::string::npos) << shell;
  }
  EXPECT_EQ(completion_script("tcsh"), nullptr);
}

}  // namespace
}  // namespace cr::crctl
