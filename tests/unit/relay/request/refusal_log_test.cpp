// SPDX-License-Identifier: MIT
#include "relay/request/refusal_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cr::relay::request {
namespace {

using namespace std::chrono_literals;
using dialect::RefusalCode;
using testing::HasSubstr;

const base::SteadyTime k_start{100'000s};

// What is written into a log, once it has ended.
class Written {
 public:
  Written() {
    EXPECT_EQ(::pipe(ends_.data()), 0);
    log.emplace(base::Log::Options{.format = base::LogFormat::json, .fd = ends_[1]});
    refusals = std::make_unique<RefusalLog>(*log);
  }
  std::vector<std::string> lines() {
    refusals.reset();
    log.reset();
    ::close(ends_[1]);
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(size));
    ::close(ends_[0]);
    std::vector<std::string> found;
    for (std::size_t from = 0, to = 0; (to = all.find('\n', from)) != std::string::npos; from = to + 1)
      found.push_back(all.substr(from, to - from));
    return found;
  }
  std::optional<base::Log> log;
  std::unique_ptr<RefusalLog> refusals;

 private:
  std::array<int, 2> ends_{};
};

TEST(RefusalLog, admits_the_first_of_each_second_and_tells_of_the_others_by_code) {
  Written written;
  auto& refusals = *written.refusals;
  int admitted = 0;
  for (int i = 0; i < 40'000; ++i) {
    const auto code = i % 4 == 0 ? RefusalCode::invalid_api_key : RefusalCode::insufficient_quota;
    if (refusals.admits(code, k_start + 10ms)) ++admitted;
  }
  EXPECT_EQ(admitted, RefusalLog::k_lines_a_second);
  refusals.tell(k_start + 999ms);  // not over yet
  refusals.tell(k_start + 1s);
  refusals.tell(k_start + 2s);  // nothing new
  EXPECT_TRUE(refusals.admits(RefusalCode::invalid_json, k_start + 2s));
  const auto lines = written.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("refusals were left out of the log"));
  EXPECT_THAT(lines[0], HasSubstr(R"("requests":"39900")"));
  EXPECT_THAT(lines[0], HasSubstr("invalid_api_key=9975 insufficient_quota=29925"));
}

TEST(RefusalLog, tells_by_itself_when_the_next_comes_and_at_the_end) {
  Written written;
  auto& refusals = *written.refusals;
  for (int i = 0; i < 101; ++i) refusals.admits(RefusalCode::invalid_json, k_start);
  for (int i = 0; i < 102; ++i) refusals.admits(RefusalCode::invalid_json, k_start + 1s);
  const auto lines = written.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("invalid_json=1"));
  EXPECT_THAT(lines[1], HasSubstr("invalid_json=2"));
}

TEST(RefusalLog, what_comes_too_often_has_no_line) {
  Written written;
  EXPECT_FALSE(written.refusals->admits(RefusalCode::too_many_refusals, k_start));
  const auto lines = written.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("too_many_refusals=1"));
}

TEST(RefusalLog, a_clock_read_before_another_begins_no_second_anew) {
  Written written;
  auto& refusals = *written.refusals;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(refusals.admits(RefusalCode::invalid_json, k_start));
  EXPECT_FALSE(refusals.admits(RefusalCode::invalid_json, k_start - 1s));
  EXPECT_FALSE(refusals.admits(RefusalCode::invalid_json, k_start));
  EXPECT_EQ(written.lines().size(), 1U);
}

TEST(RefusalLog, is_the_same_for_all_threads) {
  Written written;
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) {
        if (written.refusals->admits(RefusalCode::invalid_json, k_start)) ++admitted;
        written.refusals->tell(k_start);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, RefusalLog::k_lines_a_second);
  const auto lines = written.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("invalid_json=3900"));
}

}  // namespace
}  // namespace cr::relay::request
