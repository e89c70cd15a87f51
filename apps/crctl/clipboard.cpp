// SPDX-License-Identifier: MIT
#include "crctl/clipboard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/output.h"

extern char** environ;

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  if (path == nullptr) return false;
  for (const auto& folder : base::split_list(path, ':')) {
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<void> write_to_terminal(std::string_view text) {
  const int fd = ::open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::internal, "cannot reach the terminal: " + system_reason());
  std::string sequence = osc52(text);
  auto written = write_all(fd, sequence);
  base::wipe(sequence);
  ::close(fd);
  return written;
}

Result<void> feed(const std::vector<std::string>& command, std::string_view text) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, "cannot make a pipe: " + system_reason());
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  // xclip stays in the background; holding our stdout, it would keep $(crctl ...) waiting.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  }
  std::vector<char*> arguments;
  std::vector<std::string> copies = command;
  for (auto& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  Result<void> written;
  if (failed == 0) written = write_all(ends[1], text);
  ::close(ends[1]);
  if (failed != 0) {
    return fail(ErrorCode::internal, fmt::format("cannot run {}: {}", command[0], system_reason(failed)));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!written || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::internal, fmt::format("{} did not take the key", command[0]), "use --print");
  }
  return {};
}

}  // namespace

std::string osc52(std::string_view text) {
  static constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "\033]52;c;";
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = (bits << 8U) | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool beyond = i + j > text.size();
      out += beyond ? '=' : k_digits[(bits >> (18U - 6U * static_cast<unsigned>(j))) & 63U];
    }
  }
  return out + "\a";
}

Result<Clipboard> Clipboard::find() {
  if (is_set("WAYLAND_DISPLAY") && is_installed("wl-copy")) return Clipboard("wl-copy", {"wl-copy"});
  if (is_set("DISPLAY") && is_installed("xclip")) return Clipboard("xclip", {"xclip", "-selection", "clipboard"});
  const int fd = ::open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) {
    ::close(fd);
    return Clipboard("OSC 52", {});
  }
  return fail(ErrorCode::invalid, "there is no clipboard: no wl-copy, no xclip, no terminal", "add --print");
}

Result<void> Clipboard::copy(std::string_view text) const {
  return command_.empty() ? write_to_terminal(text) : feed(command_, text);
}

}  // namespace cr::crctl
