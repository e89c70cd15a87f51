// SPDX-License-Identifier: MIT
#include "crctl/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace cr::crctl {
namespace {

constexpr std::size_t k_output_max = 65536;
constexpr std::chrono::milliseconds k_systemctl_limit{2'000};

std::optional<pid_t> spawn(const std::vector<std::string>& command, int out) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  return child;
}

// To the end of the stream; false at the deadline.
bool read_to_end(int fd, std::chrono::steady_clock::time_point until, std::string& text) {
  std::array<char, 4096> piece{};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd waits{fd, POLLIN, 0};
    const int ready = ::poll(&waits, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (text.size() < k_output_max) text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

std::optional<std::string> output_of(const std::vector<std::string>& command, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const auto child = spawn(command, ends[1]);
  ::close(ends[1]);
  std::string text;
  const bool whole = child && read_to_end(ends[0], until, text);
  ::close(ends[0]);
  if (!child) return std::nullopt;
  if (!whole) ::kill(*child, SIGKILL);
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) continue;
  if (!whole) return std::nullopt;
  return text;
}

std::optional<std::string> properties_of_unit() {
  // sd_booted(3) says so of this folder.
  if (::access("/run/systemd/system", F_OK) != 0) return std::nullopt;
  return output_of({"systemctl", "show", "crd.service", "-p", "LoadState,ActiveState,Result"}, k_systemctl_limit);
}

}  // namespace cr::crctl
