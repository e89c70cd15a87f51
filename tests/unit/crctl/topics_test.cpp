// SPDX-License-Identifier: MIT
#include "crctl/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace cr::crctl {
namespace {

using testing::HasSubstr;

TEST(Columns, StandBesideEachOtherWhereThereIsRoom) {
  const std::vector<Entry> entries{{"a", "one two three four five six seven"}, {"long", "eight"}};
  EXPECT_EQ(columns_of(entries, 35),
            "  a     one two three four five six\n"
            "        seven\n"
            "  long  eight\n");
  EXPECT_EQ(columns_of(entries, 30),
            "  a\n"
            "      one two three four five\n"
            "      six seven\n"
            "  long\n"
            "      eight\n");
}

TEST(Columns, ALongChoiceIsBrokenBehindItsBars) {
  EXPECT_EQ(columns_of({{"--sort name|used|left|expires", "By what."}}, 22),
            "  --sort name|used|\n"
            "      left|expires\n"
            "      By what.\n");
}

TEST(Paragraph, IsBrokenAtBlanksAndNowhereElse) {
  EXPECT_EQ(paragraph_of("one two three", 7), "one two\nthree\n");
  EXPECT_EQ(paragraph_of("a-word-too-long b", 7), "a-word-too-long\nb\n");
}

TEST(Topics, AreLaidOutForTheWidthAndKeepTheirExamples) {
  for (const auto& name : written_topics()) {
    for (const std::size_t width : {40, 80, 100}) {
      const auto text = written_topic(name, width);
      ASSERT_TRUE(text) << name;
      EXPECT_THAT(*text, testing::EndsWith("\n"));
      std::istringstream lines(*text);
      for (std::string line; std::getline(lines, line);) {
        const bool is_example = line.find("crctl ") != std::string::npos && line.starts_with("  ");
        if (is_example) continue;
        EXPECT_LE(line.size(), width) << name << ": " << line;
      }
    }
  }
  EXPECT_THAT(*written_topic("rotation", 80),
              HasSubstr("\n  crctl token rotate ci --finish\n  crctl token rotate ci --undo\n"));
  EXPECT_THAT(*written_topic("exit-codes", 80), HasSubstr("\n  13   some of several failed\n"));
  EXPECT_FALSE(written_topic("nothing", 80));
}

}  // namespace
}  // namespace cr::crctl
