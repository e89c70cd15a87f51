// SPDX-License-Identifier: MIT
#include "crctl/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace cr::crctl {
namespace {

using testing::HasSubstr;
using testing::Not;

Listing listing() {
  Listing listing;
  listing.columns = {{"name"},
                     {"status", Align::left, 2},
                     {"used", Align::right, 1},
                     {"used_bar", Align::left, 9, From::list, true},
                     {"note", Align::left, 8, From::wide},
                     {"id", Align::left, 9, From::detail}};
  const auto row = [](const std::string& name, const std::string& used, const std::string& note) {
    return Row{{{name, {}, Style::none},
                {"enabled", {}, Style::good},
                {used, "$" + used, Style::none},
                {{}, "##..", Style::none},
                {note, {}, Style::none},
                {"7", {}, Style::none}},
               name,
               "{}"};
  };
  listing.rows = {row("ci", "1.5", "a note"), row("nightly", "12", "")};
  listing.summary = "2 tokens";
  return listing;
}

std::vector<std::string> lines_of(const std::string& text) {
  return base::split_list(text, '\n');
}

TEST(Table, aligns_its_columns) {
  EXPECT_EQ(render_table(listing(), {}),
            "NAME     STATUS   USED\n"
            "ci       enabled  $1.5  ##..\n"
            "nightly  enabled   $12  ##..\n"
            "2 tokens\n");
}

TEST(Table, first_page_decides_the_widths) {
  const auto page = [](const std::string& name) {
    Listing one = listing();
    one.rows.resize(1);
    one.rows[0].cells[0].plain = name;
    return one;
  };
  const Table table(page("nightly"), {});
  EXPECT_EQ(table.head() + table.rows(page("nightly")) + table.rows(page("ci")) + table.rows(page("a-longer-name")),
            "NAME     STATUS   USED\n"
            "nightly  enabled  $1.5  ##..\n"
            "ci       enabled  $1.5  ##..\n"
            "a-longer-name  enabled  $1.5  ##..\n");
  TableStyle screen;
  screen.width = 80;
  const Table kept(page("nightly"), screen);
  EXPECT_EQ(kept.rows(page("a-longer-name")), "a-long~  enabled  $1.5  ##..\n");
}

TEST(Table, can_be_without_header) {
  TableStyle style;
  style.header = false;
  EXPECT_THAT(render_table(listing(), style), Not(HasSubstr("NAME")));
}

TEST(Table, aligns_wide_characters) {
  Listing wide = listing();
  wide.rows[0].cells[0].plain = "日本語";
  wide.rows[1].cells[0].plain = "🚀x";
  const auto lines = lines_of(render_table(wide, {}));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1], "日本語  enabled  $1.5  ##..");
  EXPECT_EQ(lines[2], "🚀x     enabled   $12  ##..");
}

TEST(Table, drops_columns_before_it_cuts_cells) {
  for (int width = 8; width <= 40; ++width) {
    TableStyle style;
    style.width = width;
    for (const auto& line : lines_of(render_table(listing(), style))) {
      EXPECT_LE(base::display_width(line), width) << line;
    }
  }
  TableStyle style;
  style.width = 20;
  const std::string narrow = render_table(listing(), style);
  EXPECT_THAT(narrow, HasSubstr("nightly"));
  EXPECT_THAT(narrow, HasSubstr("$12"));
  EXPECT_THAT(narrow, Not(HasSubstr("enabled")));
  EXPECT_THAT(narrow, Not(HasSubstr("##")));
}

TEST(Table, cuts_what_still_does_not_fit) {
  Listing only = listing();
  only.rows[0].cells[0].plain = std::string(60, 'x');
  TableStyle style;
  style.width = 30;
  style.unicode = true;
  EXPECT_THAT(render_table(only, style), HasSubstr("x…"));
  style.wide = true;
  EXPECT_THAT(render_table(only, style), HasSubstr(std::string(60, 'x')));
}

TEST(Table, wide_shows_more) {
  TableStyle style;
  style.wide = true;
  EXPECT_THAT(render_table(listing(), style), HasSubstr("a note"));
  EXPECT_THAT(render_table(listing(), style), Not(HasSubstr("ID")));
}

TEST(Table, colours_are_never_the_only_carrier) {
  TableStyle style;
  style.colour = true;
  const std::string painted = render_table(listing(), style);
  EXPECT_THAT(painted, HasSubstr("\033[32menabled\033[0m"));
  std::string bare;
  for (std::size_t i = 0; i < painted.size(); ++i) {
    if (painted[i] == '\033')
      i = painted.find('m', i);
    else
      bare += painted[i];
  }
  EXPECT_EQ(bare, render_table(listing(), {}));
}

TEST(Table, escapes_what_comes_from_outside) {
  Listing evil = listing();
  evil.rows[0].cells[0].plain = "a\x1b[31mb\u202e";
  EXPECT_THAT(render_table(evil, {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render_separated(evil, Separated::tabs, true), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render_table(evil, {}), Not(HasSubstr("\u202e")));
}

TEST(Cut, keeps_whole_characters) {
  EXPECT_EQ(cut_to_width("abc", 3, true), "abc");
  EXPECT_EQ(cut_to_width("abcd", 3, true), "ab…");
  EXPECT_EQ(cut_to_width("日本語", 4, true), "日…");
  EXPECT_EQ(cut_to_width("日本語", 4, false), "日~");
}

TEST(Details, break_at_blanks) {
  Listing one = listing();
  one.rows.resize(1);
  one.rows[0].cells[4].plain = "several words that are long";
  TableStyle style;
  style.width = 24;
  EXPECT_EQ(render_details(one, style),
            "name    ci\n"
            "status  enabled\n"
            "used    $1.5\n"
            "note    several words\n"
            "        that are long\n"
            "id      7\n");
}

TEST(Separated, has_the_list_columns_for_programs) {
  EXPECT_EQ(render_separated(listing(), Separated::tabs, true),
            "name\tstatus\tused\n"
            "ci\tenabled\t1.5\n"
            "nightly\tenabled\t12\n");
  EXPECT_EQ(render_separated(listing(), Separated::tabs, false), "ci\tenabled\t1.5\nnightly\tenabled\t12\n");
}

TEST(Separated, csv_is_quoted_as_rfc_4180_says) {
  Listing odd = listing();
  odd.rows.resize(1);
  odd.rows[0].cells[0].plain = "a,\"b\"";
  EXPECT_EQ(render_separated(odd, Separated::commas, false), "\"a,\"\"b\"\"\",enabled,1.5\n");
}

TEST(Separated, a_tab_in_a_value_makes_no_column) {
  Listing odd = listing();
  odd.rows.resize(1);
  odd.rows[0].cells[0].plain = "a\tb\nc";
  EXPECT_EQ(render_separated(odd, Separated::tabs, false), "a\\x09b\\x0Ac\tenabled\t1.5\n");
}

}  // namespace
}  // namespace cr::crctl
