// SPDX-License-Identifier: MIT
#include "base/log_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cr::base {
namespace {

using testing::ElementsAre;

const Time k_noon = from_unix_ms(1'769'860'800'123);  // 2026-01-31T12:00:00.123Z

TEST(LogText, one_line) {
  EXPECT_EQ(format_log_text({k_noon, LogLevel::warning, "disk is slow", {{"path", "/var/lib/crd"}, {"note", "a b"}}}),
            "2026-01-31T12:00:00.123Z warning disk is slow path=/var/lib/crd note=\"a b\"");
  EXPECT_EQ(format_log_text({from_unix_ms(0), LogLevel::debug, "x", {}}), "1970-01-01T00:00:00.000Z debug x");
}

struct ValueCase {
  std::string value;
  std::string_view text, json;
};

TEST(LogText, values_cannot_break_out) {
  const ValueCase table[] = {
      {"plain", "plain", R"("plain")"},
      {"", R"("")", R"("")"},
      {"a=b", R"("a=b")", R"("a=b")"},
      {R"(say "hi")", R"("say \"hi\"")", R"("say \"hi\"")"},
      {R"(back\slash)", R"("back\\slash")", R"("back\\slash")"},
      {"line\nbreak", R"("line\x0Abreak")", R"("line\u000abreak")"},
      {"\x1b[31m", R"("\x1B[31m")", R"("\u001b[31m")"},
      {std::string("nul\0", 4), R"("nul\x00")", R"("nul\u0000")"},
      {"\xFF", R"("\xFF")", R"("\ufffd")"},
      {"\u202E", R"("\u{202E}")", R"("\u202e")"},
      {"\U000E0041", R"("\u{E0041}")", R"("\udb40\udc41")"},
      {"漢字", "漢字", R"("漢字")"},
  };
  for (const auto& row : table) {
    const std::string text = format_log_text({k_noon, LogLevel::info, "m", {{"k", row.value}}});
    EXPECT_EQ(text, "2026-01-31T12:00:00.123Z info m k=" + std::string(row.text));
    const std::string json = format_log_json({k_noon, LogLevel::info, "m", {{"k", row.value}}});
    EXPECT_EQ(json,
              R"({"time":"2026-01-31T12:00:00.123Z","level":"info","message":"m","k":)" + std::string(row.json) + "}");
  }
}

TEST(LogText, the_message_cannot_break_out_either) {
  EXPECT_EQ(format_log_text({k_noon, LogLevel::error, "a\n2026-01-31T12:00:00.124Z info forged", {}}),
            "2026-01-31T12:00:00.123Z error a\\x0A2026-01-31T12:00:00.124Z info forged");
}

TEST(LogJournal, fields) {
  EXPECT_THAT(format_log_journal({k_noon, LogLevel::warning, "slow", {{"token_name", "ci bot"}, {"odd-n4me", "1"}}}),
              ElementsAre("MESSAGE=slow token_name=\"ci bot\" odd-n4me=1", "PRIORITY=4", "SYSLOG_IDENTIFIER=crd",
                          "CR_TOKEN_NAME=ci bot", "CR_ODD_N4ME=1"));
  EXPECT_THAT(format_log_journal({k_noon, LogLevel::error, "a", {{"v", std::string("x\n\0PRIORITY=0", 13)}}}),
              ElementsAre(R"(MESSAGE=a v="x\x0A\x00PRIORITY=0")", "PRIORITY=3", "SYSLOG_IDENTIFIER=crd",
                          R"(CR_V=x\x0A\x00PRIORITY=0)"));
  EXPECT_EQ(format_log_journal({k_noon, LogLevel::debug, "a", {}})[1], "PRIORITY=7");
  EXPECT_EQ(format_log_journal({k_noon, LogLevel::info, "a", {}})[1], "PRIORITY=6");
}

}  // namespace
}  // namespace cr::base
