// SPDX-License-Identifier: MIT
#include "support/process.h"

#include <gmock/gmock.h>
#include <signal.h>

#include "support/temp_dir.h"

namespace cr::test {
namespace {

Process::Options shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .env = {{"CR_TEST_WORD", "here"}}, .directory = {}};
}

TEST(ProcessTest, GivesExitAndBothStreams) {
  const auto finished = run(shell("cat; echo $CR_TEST_WORD >&2; exit 7"), "in and out");
  EXPECT_EQ(finished.exit, 7);
  EXPECT_EQ(finished.out, "in and out");
  EXPECT_EQ(finished.err, "here\n");
}

TEST(ProcessTest, WaitsForALineWhileTheChildRuns) {
  Process process(shell("echo first; echo the second line; read stop"));
  EXPECT_EQ(process.wait_for_line(Stream::out, "second"), "the second line");
  EXPECT_TRUE(process.running());
  EXPECT_EQ(process.wait_for_line(Stream::out, "third", std::chrono::milliseconds(1)), std::nullopt);
  process.write_in("\n");
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(process.wait_for_line(Stream::out, "third"), std::nullopt) << "an ended stream is not waited for";
}

TEST(ProcessTest, SaysWhichSignalEndedIt) {
  Process process(shell("echo up; read stop"));
  ASSERT_TRUE(process.wait_for_line(Stream::out, "up"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
}

TEST(ProcessTest, BrokenOutIsABrokenPipe) {
  auto options = shell("trap '' PIPE; echo lost || exit 3");
  options.broken_out = true;
  EXPECT_EQ(run(options).exit, 3);
}

TEST(ProcessTest, RunGivesUpAtTheDeadline) {
  EXPECT_THROW(run(shell("exec sleep 1000"), "", std::chrono::milliseconds(50)), std::runtime_error);
}

TEST(TempDirTest, GoesWithAllThatIsInIt) {
  std::string path;
  {
    TempDir dir;
    path = dir.path();
    write_file(dir / "file", "text");
    EXPECT_EQ(read_file(dir / "file"), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace cr::test
