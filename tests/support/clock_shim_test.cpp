// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <ctime>

#include "support/daemon.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;

std::string year_seen_by_date(const std::string& file) {
  Process::Options options;
  options.argv = {"/bin/date", "-u", "+%Y"};
  options.env["LD_PRELOAD"] = CR_TEST_CLOCK_SHIM;
  options.env["CR_TEST_CLOCK"] = file;
  return run(options).out;
}

TEST(ClockShimTest, ShowsTheTimeInTheFile) {
  TempDir dir;
  ClockFile clock(dir / "clock");
  clock.set(std::chrono::sys_days(std::chrono::year(2040) / 2 / 3));
  EXPECT_EQ(year_seen_by_date(dir / "clock"), "2040\n");
  clock.set(std::chrono::sys_days(std::chrono::year(1999) / 2 / 3));
  EXPECT_EQ(year_seen_by_date(dir / "clock"), "1999\n") << "backwards too";
}

TEST(ClockShimTest, ZeroIsRealTime) {
  TempDir dir;
  ClockFile clock(dir / "clock");
  const auto today =
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
  EXPECT_EQ(year_seen_by_date(dir / "clock"), std::to_string(static_cast<int>(today.year())) + "\n");
}

TEST(ClockShimTest, TheFixtureReadsItsOwnClock) {
  TempDir dir;
  ClockFile clock(dir / "clock");
  const std::chrono::sys_time<std::chrono::milliseconds> time =
      std::chrono::sys_days(std::chrono::year(2030) / 1 / 1) + 5ms;
  clock.set(time);
  EXPECT_EQ(clock.now(), time);
}

}  // namespace
}  // namespace cr::test
