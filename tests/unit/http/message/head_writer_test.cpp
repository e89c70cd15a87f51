// SPDX-License-Identifier: MIT
#include "http/message/head_writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"
#include "http/message/head.h"

namespace cr::http::message {
namespace {

using namespace std::string_literals;

TEST(HeadWriter, WritesAResponseHead) {
  std::string out = "kept";
  HeadWriter writer(out);
  writer.status_line(200);
  EXPECT_TRUE(writer.field("Content-Type", "application/json"));
  EXPECT_TRUE(writer.field("Content-Length", std::uint64_t{0}));
  EXPECT_TRUE(writer.field("X-Max", std::numeric_limits<std::uint64_t>::max()));
  EXPECT_TRUE(writer.field("X-Empty", ""));
  writer.end();
  EXPECT_EQ(out,
            "keptHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n"
            "X-Max: 18446744073709551615\r\nX-Empty: \r\n\r\n");
}

TEST(HeadWriter, WritesARequestHeadItsParserReads) {
  std::string out;
  HeadWriter writer(out);
  EXPECT_TRUE(writer.request_line("POST", "/v1/chat/completions?a=b"));
  EXPECT_TRUE(writer.field("Host", "example.com"));
  EXPECT_TRUE(writer.field("Content-Length", std::uint64_t{12}));
  writer.end();
  RequestHeadParser parser{HeadLimits{}};
  RequestHead head;
  ASSERT_EQ(parser.parse(out, 0, head).state, HeadState::complete);
  EXPECT_EQ(head.target, "/v1/chat/completions?a=b");
  EXPECT_EQ(head.content_length, 12U);
}

TEST(HeadWriter, RefusesWhatWouldBreakOut) {
  const std::pair<std::string, std::string> fields[] = {{"X", "a\r\nY: b"}, {"X", "a\nb"}, {"X", "a\r"}, {"X", "a\0b"s},
                                                        {"X: y\r\nZ", "a"}, {"", "a"},     {"X ", "a"}};
  for (const auto& [name, value] : fields) {
    std::string out;
    EXPECT_FALSE(HeadWriter(out).field(name, value)) << name << value;
    EXPECT_TRUE(out.empty());
  }
  const std::pair<std::string, std::string> lines[] = {{"GET", "/a b"},  {"GET", "/a\r\nX: y"}, {"GET", ""},
                                                       {"", "/"},        {"G T", "/"},          {"GET\r\n", "/"},
                                                       {"GET", "/\xC3"}, {"GET", "/a\tb"},      {"GET", "/\x7F"}};
  for (const auto& [method, target] : lines) {
    std::string out;
    EXPECT_FALSE(HeadWriter(out).request_line(method, target)) << method << target;
    EXPECT_TRUE(out.empty());
  }
  std::string out;
  EXPECT_FALSE(HeadWriter(out).field("X:", std::uint64_t{1}));
  EXPECT_TRUE(out.empty());
}

TEST(HeadWriter, KnowsReasonPhrases) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(418), "Client Error");
  EXPECT_EQ(reason_phrase(599), "Server Error");
  EXPECT_EQ(reason_phrase(0), "Unknown");
  for (int status = 100; status < 600; ++status) EXPECT_NE(reason_phrase(status), "Unknown") << status;
}

TEST(HeadWriter, KeepsTheStatusAtThreeDigits) {
  std::string out;
  HeadWriter writer(out);
  writer.status_line(7);
  writer.status_line(12345);
  EXPECT_EQ(out, "HTTP/1.1 100 Continue\r\nHTTP/1.1 999 Unknown\r\n");
}

TEST(HttpDate, IsAnImfFixdate) {
  const std::pair<const char*, const char*> rows[] = {
      {"1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"},
      {"1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
      {"2024-02-29T23:59:59Z", "Thu, 29 Feb 2024 23:59:59 GMT"},
      {"2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT"},
      {"1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
  };
  for (const auto& [time, expected] : rows) EXPECT_EQ(http_date(*base::parse_time(time)), expected);
}

TEST(HttpDate, IsMadeOnceASecond) {
  const auto time = *base::parse_time("2026-05-01T12:00:00Z");
  const std::string first(http_date(time));
  EXPECT_EQ(http_date(time + std::chrono::milliseconds(999)), first);
  EXPECT_EQ(http_date(time + std::chrono::milliseconds(1000)), "Fri, 01 May 2026 12:00:01 GMT");
  EXPECT_EQ(http_date(time), first);
}

}  // namespace
}  // namespace cr::http::message
