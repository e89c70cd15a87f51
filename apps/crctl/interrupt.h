// SPDX-License-Identifier: MIT
// Ctrl-C: ends crctl with 130 at once, except while a new key is on its way from the daemon to where it is written.
// Then the first one is only noted, so that the new key can be taken back; a second one ends it. One section at a time.
#pragma once

#include <termios.h>

#include <string>

namespace cr::crctl {

void install_interrupt();

class UninterruptedSection {
 public:
  UninterruptedSection();
  ~UninterruptedSection();
  UninterruptedSection(const UninterruptedSection&) = delete;
  UninterruptedSection& operator=(const UninterruptedSection&) = delete;
};
bool was_interrupted();

// What the handler undoes when it ends the program. Set before, cleared after.
void remember_terminal(const termios& before);
void forget_terminal();
void remember_temporary_file(const std::string& path);
void forget_temporary_file();

}  // namespace cr::crctl
