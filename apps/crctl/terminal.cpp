// SPDX-License-Identifier: MIT
#include "crctl/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace cr::crctl {
namespace {

constexpr int k_width_default = 80;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

int width_of_screen(bool out_tty, const TerminalVariables& variables) {
  if (variables.columns) {
    int columns = 0;
    const char* end = variables.columns->data() + variables.columns->size();
    auto [stop, error] = std::from_chars(variables.columns->data(), end, columns);
    if (error == std::errc() && stop == end && columns > 0) return columns;
  }
  if (!out_tty) return 0;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return k_width_default;
}

const char* code_of(Style style) {
  switch (style) {
    case Style::good:
      return "\033[32m";
    case Style::warn:
      return "\033[33m";
    case Style::bad:
      return "\033[31m";
    case Style::faint:
      return "\033[2m";
    case Style::strong:
      return "\033[1m";
    case Style::none:
      break;
  }
  return "";
}

}  // namespace

TerminalVariables terminal_variables() {
  return {variable("NO_COLOR"), variable("CLICOLOR_FORCE"), variable("TERM"), variable("COLUMNS"),
          variable("LC_ALL"),   variable("LC_CTYPE"),       variable("LANG")};
}

bool wants_colour(ColourWish wish, bool tty, const TerminalVariables& variables) {
  if (wish != ColourWish::automatic) return wish == ColourWish::always;
  if (variables.no_color) return false;
  if (variables.clicolor_force && *variables.clicolor_force != "0") return true;
  return tty && variables.term && *variables.term != "dumb";
}

bool wants_unicode(const TerminalVariables& variables) {
  // POSIX: the first of the three that is set and not empty decides.
  const auto& locale = variables.lc_all ? variables.lc_all : variables.lc_ctype ? variables.lc_ctype : variables.lang;
  if (!locale) return false;
  const std::string lower = base::to_lower_ascii(*locale);
  return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
}

Terminal detect_terminal(ColourWish wish) {
  const TerminalVariables variables = terminal_variables();
  Terminal terminal;
  terminal.in_tty = ::isatty(STDIN_FILENO) == 1;
  terminal.out_tty = ::isatty(STDOUT_FILENO) == 1;
  terminal.err_tty = ::isatty(STDERR_FILENO) == 1;
  terminal.unicode = wants_unicode(variables);
  terminal.colour_out = wants_colour(wish, terminal.out_tty, variables);
  terminal.colour_err = wants_colour(wish, terminal.err_tty, variables);
  terminal.width = width_of_screen(terminal.out_tty, variables);
  return terminal;
}

std::string paint(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::none || text.empty()) return std::string(text);
  return code_of(style) + std::string(text) + "\033[0m";
}

}  // namespace cr::crctl
