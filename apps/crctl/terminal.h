// SPDX-License-Identifier: MIT
// What the three standard streams are and what may be shown on them: width, colour, unicode. Looked up once at start.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crctl/globals.h"

namespace cr::crctl {

enum class Style { none, good, warn, bad, faint, strong };

struct Terminal {
  bool in_tty = false, out_tty = false, err_tty = false;
  bool unicode = false;
  bool colour_out = false, colour_err = false;
  int width = 0;  // columns; 0 = no limit
};

// The variables that decide, apart from where they come from.
struct TerminalVariables {
  std::optional<std::string> no_color = {}, clicolor_force = {}, term = {}, columns = {};
  std::optional<std::string> lc_all = {}, lc_ctype = {}, lang = {};
};
TerminalVariables terminal_variables();

bool wants_colour(ColourWish wish, bool tty, const TerminalVariables& variables);
bool wants_unicode(const TerminalVariables& variables);
Terminal detect_terminal(ColourWish wish);

// `text` in a style's colour, or as it is without colour.
std::string paint(std::string_view text, Style style, bool colour);

}  // namespace cr::crctl
