// SPDX-License-Identifier: MIT
#include "crctl/prompt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/text.h"
#include "crctl/interrupt.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Secret;

constexpr std::size_t k_secret_bytes_max = 4096;
constexpr std::size_t k_text_bytes_max = std::size_t{64} << 20;

tl::unexpected<base::Error> cannot_read(const std::string& what) {
  return fail(ErrorCode::invalid, fmt::format("cannot read {}: {}", what, system_reason()));
}

// Reads to the end, or to a line end where `line`. A secret's room is reserved at once: growing would leave copies
// behind.
Result<std::string> read_some(int fd, const std::string& what, std::size_t bytes_max, bool line) {
  std::array<char, 16384> block{};
  std::string text;
  if (bytes_max <= k_secret_bytes_max) text.reserve(bytes_max + sizeof block);
  while (text.size() <= bytes_max) {
    const ssize_t got = ::read(fd, block.data(), line ? 1 : block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(what);
    if (got == 0 || (line && block[0] == '\n')) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  base::wipe(block.data(), block.size());
  if (text.size() > bytes_max) {
    base::wipe(text);
    return fail(ErrorCode::invalid, fmt::format("{} is longer than {} bytes", what, bytes_max));
  }
  return text;
}

class File {
 public:
  explicit File(const std::string& name) : fd_(::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Echo is off while this lives; an interrupt turns it on again.
class NoEcho {
 public:
  NoEcho() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    remember_terminal(before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    forget_terminal();
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

Result<std::string> read_silently(Context& context, const std::string& what) {
  if (context.globals.no_input) {
    return fail(ErrorCode::invalid, fmt::format("{} must be typed, and --no-input forbids it", what),
                "give it on stdin or in a file");
  }
  // First the silence: what is typed at the sight of the question would be shown and flushed.
  const NoEcho silence;
  static_cast<void>(write_all(STDERR_FILENO, what + " (not shown): "));
  auto text = read_some(STDIN_FILENO, what, k_secret_bytes_max, true);
  static_cast<void>(write_all(STDERR_FILENO, "\n"));
  return text;
}

Result<std::string> secret_text(Context& context, const SecretSource& source, const std::string& what) {
  if (source.file && *source.file != "-") {
    const File file(*source.file);
    // The name is not repeated: it may be the key itself, given in the file's place.
    const std::string named = "the file given for " + what;
    if (file.fd() < 0) return cannot_read(named);
    return read_some(file.fd(), named, k_secret_bytes_max, false);
  }
  if (context.terminal.in_tty) return read_silently(context, what);
  return read_some(STDIN_FILENO, what + " on stdin", k_secret_bytes_max, false);
}

}  // namespace

Result<Answer> confirm(Context& context, const std::string& question) {
  if (context.globals.yes) return Answer::yes;
  if (!context.terminal.in_tty || !context.terminal.err_tty || context.globals.no_input) {
    return fail(ErrorCode::invalid, "a confirmation is needed: " + question, "add --yes");
  }
  static_cast<void>(write_all(STDERR_FILENO, base::escape_for_terminal(question) + " [y/N] "));
  const auto typed = read_some(STDIN_FILENO, "the answer", 256, true);
  if (!typed) return tl::unexpected(typed.error());
  const std::string answer = base::to_lower_ascii(*typed);
  return answer == "y" || answer == "yes" ? Answer::yes : Answer::no;
}

Result<Secret> read_secret(Context& context, const SecretSource& source, const std::string& what) {
  auto text = secret_text(context, source, what);
  if (!text) return tl::unexpected(text.error());
  Secret secret(std::move(*text));
  std::string_view shown = secret.reveal();
  while (!shown.empty() && std::string_view("\r\n ").find(shown.back()) != std::string_view::npos)
    shown.remove_suffix(1);
  if (shown.empty()) return fail(ErrorCode::invalid, what + " is empty");
  if (shown.find_first_of(" \t\r\n") != std::string_view::npos) {
    return fail(ErrorCode::invalid, what + " has blanks or several lines in it", "give the key alone");
  }
  return Secret(shown);
}

Result<std::string> read_text(const std::string& file) {
  if (file == "-") return read_some(STDIN_FILENO, "stdin", k_text_bytes_max, false);
  const File opened(file);
  if (opened.fd() < 0) return cannot_read(base::escape_for_terminal(file));
  return read_some(opened.fd(), file, k_text_bytes_max, false);
}

}  // namespace cr::crctl
