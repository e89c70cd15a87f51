// SPDX-License-Identifier: MIT
// Process: a child with its standard streams in our hands; its output is collected as it comes. Killed and reaped with
// the object, and by the kernel if the test dies. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cr::test {

// Generous, because sanitizers on a busy machine are slow; a wait that ends early costs nothing.
inline constexpr std::chrono::seconds k_deadline{60};

enum class Stream { out, err };

class Process {
 public:
  struct Options {
    std::vector<std::string> argv;
    std::map<std::string, std::string> env;  // added to ours
    std::string directory;                   // empty = ours
    bool broken_out = false;                 // its stdout is a pipe nobody reads
  };
  explicit Process(const Options& options);  // throws std::runtime_error
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const;
  void write_in(std::string_view text);
  void close_in();
  void signal(int number);
  // SIGSTOP, and returns when all of its threads stand still (or it has ended); signal(SIGCONT) lets it go on.
  void freeze();

  // The first line, from the start of the output, that contains `part`; nullopt when the stream ended or time is up.
  std::optional<std::string> wait_for_line(Stream stream, std::string_view part,
                                           std::chrono::milliseconds deadline = k_deadline);
  // Exit code, or 128 + signal; nullopt when it still runs at the deadline. Reaps once, remembers.
  std::optional<int> wait(std::chrono::milliseconds deadline = k_deadline);
  bool running();
  std::string out() const;  // so far
  std::string err() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Finished {
  int exit = 0;
  std::string out;
  std::string err;
};
// Runs to the end; throws std::runtime_error (and kills it) at the deadline.
Finished run(const Process::Options& options, std::string_view in = {},
             std::chrono::milliseconds deadline = k_deadline);

}  // namespace cr::test
