// SPDX-License-Identifier: MIT
#include "crctl/interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>

namespace cr::crctl {
namespace {

constexpr int k_exit_interrupted = 130;

// Read by a signal handler: only lock-free atomics and memory written before `*_set` was.
volatile std::sig_atomic_t held = 0;
volatile std::sig_atomic_t noted = 0;
volatile std::sig_atomic_t terminal_set = 0;
volatile std::sig_atomic_t file_set = 0;
termios terminal_before{};
std::array<char, 4096> file_path{};

void barrier() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

extern "C" void on_interrupt(int) {
  if (held != 0 && noted == 0) {
    noted = 1;
    return;
  }
  if (terminal_set != 0) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
  if (file_set != 0) ::unlink(file_path.data());
  ::_exit(k_exit_interrupted);
}

}  // namespace

void install_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited {};
    ::sigaction(number, nullptr, &inherited);
    // What a parent ignores (nohup, a background job of a script) stays ignored.
    if (inherited.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
}

UninterruptedSection::UninterruptedSection() {
  noted = 0;
  barrier();
  held = 1;
}

UninterruptedSection::~UninterruptedSection() {
  held = 0;
}

bool was_interrupted() {
  return noted != 0;
}

void remember_terminal(const termios& before) {
  terminal_before = before;
  barrier();
  terminal_set = 1;
}

void forget_terminal() {
  terminal_set = 0;
}

void remember_temporary_file(const std::string& path) {
  if (path.size() >= file_path.size()) return;
  std::memcpy(file_path.data(), path.c_str(), path.size() + 1);
  barrier();
  file_set = 1;
}

void forget_temporary_file() {
  file_set = 0;
}

}  // namespace cr::crctl
