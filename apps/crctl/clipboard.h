// SPDX-License-Identifier: MIT
// Clipboard: wl-copy, xclip, or the terminal itself (OSC 52). The text goes through a pipe, never through an argument.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cr::crctl {

class Clipboard {
 public:
  // The first that can be used here; if there is none, `invalid` with a hint to --print.
  static base::Result<Clipboard> find();
  base::Result<void> copy(std::string_view text) const;
  const std::string& name() const { return name_; }

 private:
  Clipboard(std::string name, std::vector<std::string> command)
      : name_(std::move(name)), command_(std::move(command)) {}
  std::string name_;
  std::vector<std::string> command_;  // empty: OSC 52 to /dev/tty
};

// ESC ] 52 ; c ; base64 BEL
std::string osc52(std::string_view text);

}  // namespace cr::crctl
