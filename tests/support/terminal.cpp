// SPDX-License-Identifier: MIT
#include "support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "support/process.h"

namespace cr::test {

Terminal::Terminal(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, Size size) {
  std::vector<std::string> texts = {"env", "-u",     "NO_COLOR", "-u",       "CLICOLOR_FORCE", "-u",          "COLUMNS",
                                    "-u",  "LC_ALL", "-u",       "LC_CTYPE", "TERM=xterm",     "LANG=C.UTF-8"};
  for (const auto& [name, value] : env) texts.push_back(name + "=" + value);
  texts.insert(texts.end(), argv.begin(), argv.end());
  std::vector<char*> words;
  for (auto& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  winsize window{};
  window.ws_col = size.columns;
  window.ws_row = size.rows;
  pid_ = ::forkpty(&fd_, nullptr, nullptr, &window);
  if (pid_ < 0) throw std::runtime_error("cannot make a pseudo-terminal");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(fd_);
}

void Terminal::type(std::string_view text) {
  if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot type on the terminal");
}

bool Terminal::read_more() {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(k_deadline).count())) <= 0) return false;
  std::array<char, 4096> bytes{};
  const auto got = ::read(fd_, bytes.data(), bytes.size());  // EIO when the program has ended
  if (got > 0) shown_.append(bytes.data(), static_cast<std::size_t>(got));
  return got > 0;
}

bool Terminal::wait_for(std::string_view text) {
  while (screen().find(text) == std::string::npos) {
    if (!read_more()) return false;
  }
  return true;
}

int Terminal::wait() {
  // Its end of the terminal closes when it ends; one that is silent for so long hangs.
  while (read_more()) continue;
  pollfd closed{fd_, 0, 0};
  if (::poll(&closed, 1, 0) != 1) throw std::runtime_error("the program did not end in time; it showed: " + screen());
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Terminal::screen() const {
  std::string text;
  for (const char c : shown_) {
    if (c != '\r') text += c;
  }
  return text;
}

}  // namespace cr::test
