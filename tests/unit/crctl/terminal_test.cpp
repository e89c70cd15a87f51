// SPDX-License-Identifier: MIT
#include "crctl/terminal.h"

#include <gtest/gtest.h>

namespace cr::crctl {
namespace {

TEST(Colour, is_decided_by_flag_then_environment_then_terminal) {
  struct Case {
    const char* what;
    ColourWish wish;
    bool tty;
    TerminalVariables variables;
    bool colour;
  };
  const TerminalVariables xterm{.term = "xterm"};
  for (const auto& [what, wish, tty, variables, colour] : {
           Case{"a terminal", ColourWish::automatic, true, xterm, true},
           Case{"a pipe", ColourWish::automatic, false, xterm, false},
           Case{"no TERM", ColourWish::automatic, true, {}, false},
           Case{"a dumb terminal", ColourWish::automatic, true, {.term = "dumb"}, false},
           Case{"NO_COLOR", ColourWish::automatic, true, {.no_color = "1", .term = "xterm"}, false},
           Case{"CLICOLOR_FORCE", ColourWish::automatic, false, {.clicolor_force = "1"}, true},
           Case{"CLICOLOR_FORCE=0", ColourWish::automatic, false, {.clicolor_force = "0"}, false},
           Case{"NO_COLOR and CLICOLOR_FORCE",
                ColourWish::automatic,
                true,
                {.no_color = "1", .clicolor_force = "1"},
                false},
           Case{"--color always", ColourWish::always, false, {.no_color = "1"}, true},
           Case{"--color never", ColourWish::never, true, {.clicolor_force = "1", .term = "xterm"}, false},
       }) {
    EXPECT_EQ(wants_colour(wish, tty, variables), colour) << what;
  }
}

TEST(Unicode, follows_the_locale) {
  EXPECT_TRUE(wants_unicode({.lang = "en_US.UTF-8"}));
  EXPECT_TRUE(wants_unicode({.lc_ctype = "C.utf8", .lang = "C"}));
  EXPECT_FALSE(wants_unicode(TerminalVariables{.lc_all = "C", .lang = "en_US.UTF-8"}));
  EXPECT_FALSE(wants_unicode({}));
}

TEST(Paint, adds_nothing_without_colour) {
  EXPECT_EQ(paint("x", Style::good, false), "x");
  EXPECT_EQ(paint("x", Style::none, true), "x");
  EXPECT_EQ(paint("x", Style::good, true), "\033[32mx\033[0m");
}

}  // namespace
}  // namespace cr::crctl
