// SPDX-License-Identifier: MIT
// Terminal: a program on a pseudo-terminal of its own, as a person has it: what it shows, what is typed. Killed and
// reaped with the object, and by the kernel if the test dies. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cr::test {

class Terminal {
 public:
  struct Size {
    std::uint16_t columns = 80, rows = 24;
  };
  // env is added to ours, which loses what would colour or size the output.
  Terminal(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, Size size);
  Terminal(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env)
      : Terminal(argv, env, Size{}) {}
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view text);
  bool wait_for(std::string_view text);  // until it is on the screen; false when the program has ended or time is up
  int wait();                            // its exit code; throws std::runtime_error at the deadline
  std::string screen() const;            // all it has shown, line ends as \n

 private:
  bool read_more();

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string shown_;
};

}  // namespace cr::test
