// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

namespace cr::base {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2 failed";
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_read() { close_end(ends_[0]); }
  void close_write() { close_end(ends_[1]); }

  // Until nothing more comes at once.
  void fill() {
    const int flags = fcntl(ends_[1], F_GETFL);
    fcntl(ends_[1], F_SETFL, flags | O_NONBLOCK);
    const std::string block(4096, '.');
    while (write(ends_[1], block.data(), block.size()) > 0) continue;
    fcntl(ends_[1], F_SETFL, flags);
  }

  // To the end: the writing end must be closed everywhere.
  std::string read_all() {
    std::string all;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = read(ends_[0], buffer, sizeof buffer)) > 0) all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }

 private:
  static void close_end(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int ends_[2] = {-1, -1};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  EXPECT_EQ(begin, text.size()) << "the last line has no end";
  return lines;
}

TEST(Log, writes_whole_lines_in_order) {
  Pipe pipe;
  {
    Log log({.fd = pipe.write_end()});
    log.info("first", {{"n", "1"}});
    log.warning("second");
    log.error("third", {{"why", "no reason"}});
  }
  pipe.close_write();
  const auto lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], EndsWith("Z info first n=1"));
  EXPECT_THAT(lines[1], EndsWith("Z warning second"));
  EXPECT_THAT(lines[2], EndsWith("Z error third why=\"no reason\""));
}

TEST(Log, json_is_an_object_a_line) {
  Pipe pipe;
  {
    Log log({.format = LogFormat::json, .fd = pipe.write_end()});
    log.info("hello", {{"who", "a\"b"}});
  }
  pipe.close_write();
  const auto lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], EndsWith(R"(,"level":"info","message":"hello","who":"a\"b"})"));
}

TEST(Log, braces_in_a_message_stay) {
  Pipe pipe;
  {
    Log log({.fd = pipe.write_end()});
    log.info("{} {0} {:n}");
  }
  pipe.close_write();
  EXPECT_THAT(pipe.read_all(), EndsWith("info {} {0} {:n}\n"));
}

TEST(Log, level_decides_and_can_be_changed) {
  Pipe pipe;
  {
    Log log({.fd = pipe.write_end()});
    log.debug("not this");
    log.set_level(LogLevel::debug);
    log.debug("but this");
    log.set_level(LogLevel::error);
    log.warning("nor this");
    log.error("and that");
  }
  pipe.close_write();
  const auto lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("but this"));
  EXPECT_THAT(lines[1], HasSubstr("and that"));
}

TEST(Log, threads_lines_do_not_mix) {
  constexpr int k_threads = 4;
  constexpr int k_each = 500;
  Pipe pipe;
  std::string all;
  std::thread reader([&] { all = pipe.read_all(); });
  {
    Log log({.queue_lines_max = k_threads * k_each, .fd = pipe.write_end()});
    std::vector<std::thread> writers;
    for (int t = 0; t < k_threads; ++t) {
      writers.emplace_back([&log, t] {
        for (int i = 0; i < k_each; ++i) log.info("line", {{"from", std::to_string(t)}, {"i", std::to_string(i)}});
      });
    }
    for (auto& writer : writers) writer.join();
    EXPECT_EQ(log.dropped(), 0U);
  }
  pipe.close_write();
  reader.join();
  std::vector<int> next(k_threads, 0);
  const auto lines = lines_of(all);
  EXPECT_EQ(lines.size(), std::size_t{k_threads * k_each});
  for (const auto& line : lines) {
    const std::size_t from = line.find("from=");
    ASSERT_NE(from, std::string::npos) << line;
    const auto thread = static_cast<std::size_t>(line[from + 5] - '0');
    EXPECT_THAT(line, EndsWith(" i=" + std::to_string(next.at(thread)++)));
  }
}

TEST(Log, a_full_pipe_costs_lines_and_no_time) {
  constexpr std::uint64_t k_written = 100;
  constexpr std::uint64_t k_queue = 10;
  Pipe pipe;
  pipe.fill();
  Log log({.queue_lines_max = k_queue, .fd = pipe.write_end()});
  for (std::uint64_t i = 0; i < k_written; ++i) log.info("into the void");  // returns, or the test's time limit tells
  // The queue holds ten and the writer at most one.
  EXPECT_GE(log.dropped(), k_written - k_queue - 1);
  EXPECT_LE(log.dropped(), k_written - k_queue);
  pipe.close_read();  // ends the writer's wait
}

TEST(Log, dies_with_its_pipe_full_and_the_writer_touches_nothing_of_it_later) {
  Pipe pipe;
  pipe.fill();
  {
    Log log({.fd = pipe.write_end()});
    log.info("never read");
    log.info("neither");
  }
  // The log is gone. Its abandoned writer still holds its own end; letting go of the pipe lets it finish.
  pipe.close_write();
  const std::string rest = pipe.read_all();
  EXPECT_LE(std::count(rest.begin(), rest.end(), '\n'), 1) << "only the line under way may still come";
}

TEST(Log, a_closed_pipe_is_counted_and_kills_nobody) {
  Pipe pipe;
  pipe.close_read();
  std::optional<Log> log;
  log.emplace(Log::Options{.fd = pipe.write_end()});
  log->info("to nobody");
  while (log->dropped() == 0) std::this_thread::yield();
  EXPECT_EQ(log->dropped(), 1U);
}

TEST(Log, a_descriptor_that_is_none_is_counted) {
  Log log({.fd = -1});
  log.info("to nothing");
  while (log.dropped() == 0) std::this_thread::yield();
  EXPECT_EQ(log.dropped(), 1U);
}

TEST(Log, a_nonblocking_pipe_loses_nothing_while_it_is_read) {
  Pipe pipe;
  fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK);
  constexpr int k_lines = 3000;  // some 150 KiB: more than a pipe holds
  std::string all;
  std::optional<Log> log;
  log.emplace(Log::Options{.fd = pipe.write_end()});
  for (int i = 0; i < k_lines; ++i) log->info("a line of some length, to fill the pipe");
  std::thread reader([&] { all = pipe.read_all(); });
  log.reset();
  pipe.close_write();
  reader.join();
  EXPECT_EQ(lines_of(all).size(), std::size_t{k_lines});
}

TEST(LogFormat, journal_only_where_stderr_is_the_journal) {
  const char* before = std::getenv("JOURNAL_STREAM");
  const std::optional<std::string> kept = before == nullptr ? std::nullopt : std::optional<std::string>(before);
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const std::string ours = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);

  unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(Log::detect_format(), LogFormat::text);
  setenv("JOURNAL_STREAM", ours.c_str(), 1);
  EXPECT_EQ(Log::detect_format(), LogFormat::journald);
  for (const char* other : {"", ":", "0:0", "8:123456789012345", "nonsense"}) {
    setenv("JOURNAL_STREAM", other, 1);
    EXPECT_EQ(Log::detect_format(), LogFormat::text) << other;
  }
  kept ? setenv("JOURNAL_STREAM", kept->c_str(), 1) : unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace cr::base
