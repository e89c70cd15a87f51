// SPDX-License-Identifier: MIT
#include "http/message/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cr::http::message {
namespace {

struct Event {
  std::string raw, name, data;
  bool operator==(const Event&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << testing::PrintToString(std::tuple(event.raw, event.name, event.data));
}

struct Stream {
  std::vector<Event> events;
  std::string rest;
  bool operator==(const Stream&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Stream& stream) {
  return out << testing::PrintToString(stream.events) << " rest " << testing::PrintToString(stream.rest);
}

void take(SseSplitter& splitter, std::vector<Event>& events) {
  while (const auto event = splitter.next()) {
    events.push_back({std::string(event->raw), std::string(event->name), std::string(event->data)});
  }
}

Stream split(const std::vector<std::string_view>& pushes) {
  SseSplitter splitter(1 << 20);
  Stream stream;
  for (const std::string_view bytes : pushes) {
    EXPECT_TRUE(splitter.push(bytes));
    take(splitter, stream.events);
  }
  stream.rest = splitter.rest();
  return stream;
}

struct Row {
  std::string_view name;
  std::string bytes;
  Stream expected;
};

// F25
const std::vector<Row>& rows() {
  static const std::vector<Row> k_rows = {
      {"LF", "data: a\n\ndata: b\n\n", {{{"data: a\n\n", "", "a"}, {"data: b\n\n", "", "b"}}, ""}},
      {"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", {{{"data: a\r\n\r\n", "", "a"}, {"data: b\r\n\r\n", "", "b"}}, ""}},
      {"CR", "data: a\r\rdata: b\r\rx", {{{"data: a\r\r", "", "a"}, {"data: b\r\r", "", "b"}}, "x"}},
      {"mixed ends",
       "data: a\r\n\ndata: b\n\r\nc\r\n\rd",
       {{{"data: a\r\n\n", "", "a"}, {"data: b\n\r\n", "", "b"}, {"c\r\n\r", "", ""}}, "d"}},
      {"last CR waits for its LF", "data: a\r\n\r", {{}, "data: a\r\n\r"}},
      {"BOM",
       "\xef\xbb\xbf"
       "data: a\n\ndata: b\n\n",
       {{{"\xef\xbb\xbf"
          "data: a\n\n",
          "", "a"},
         {"data: b\n\n", "", "b"}},
        ""}},
      {"BOM before a blank line",
       "\xef\xbb\xbf\ndata: a\n\n",
       {{{"\xef\xbb\xbf\n", "", ""}, {"data: a\n\n", "", "a"}}, ""}},
      {"BOM later is a foreign field",
       "data: a\n\n\xef\xbb\xbf"
       "data: b\n\n",
       {{{"data: a\n\n", "", "a"},
         {"\xef\xbb\xbf"
          "data: b\n\n",
          "", ""}},
        ""}},
      {"comments",
       ": ping\n\n:\n\n: x\ndata: a\n\n",
       {{{": ping\n\n", "", ""}, {":\n\n", "", ""}, {": x\ndata: a\n\n", "", "a"}}, ""}},
      {"blank lines",
       "\n\ndata: a\n\n\n",
       {{{"\n", "", ""}, {"\n", "", ""}, {"data: a\n\n", "", "a"}, {"\n", "", ""}}, ""}},
      {"several data lines",
       "data: a\ndata:b\ndata\ndata:  c\n\ndata: d\n\n",
       {{{"data: a\ndata:b\ndata\ndata:  c\n\n", "", "a\nb\n\n c"}, {"data: d\n\n", "", "d"}}, ""}},
      {"event name",
       "event: message_stop\ndata: {}\n\n",
       {{{"event: message_stop\ndata: {}\n\n", "message_stop", "{}"}}, ""}},
      {"last event name holds",
       "event:a\nevent: b\ndata:x\nid: 7\nretry: 1\n\n",
       {{{"event:a\nevent: b\ndata:x\nid: 7\nretry: 1\n\n", "b", "x"}}, ""}},
      {"foreign fields", "datax: a\nDATA: b\n data: c\n\n", {{{"datax: a\nDATA: b\n data: c\n\n", "", ""}}, ""}},
      {"colon in the value",
       "data: {\"a\": \"b:c\"}\n\n",
       {{{"data: {\"a\": \"b:c\"}\n\n", "", "{\"a\": \"b:c\"}"}}, ""}},
      {"split UTF-8 and long lines",
       "data: \xe2\x82\xac\xf0\x9f\x98\x80" + std::string(100, 'x') + "\n\n",
       {{{"data: \xe2\x82\xac\xf0\x9f\x98\x80" + std::string(100, 'x') + "\n\n", "",
          "\xe2\x82\xac\xf0\x9f\x98\x80" + std::string(100, 'x')}},
        ""}},
      {"unfinished", "data: a\n\ndata: b\n", {{{"data: a\n\n", "", "a"}}, "data: b\n"}},
      {"nothing", "", {{}, ""}},
  };
  return k_rows;
}

TEST(SseSplitter, F25AtTheEndACRIsALineEndOfItsOwn) {
  const std::vector<Row> ends{
      {"CR", "data: a\r\rdata: b\r\r", {{{"data: a\r\r", "", "a"}, {"data: b\r\r", "", "b"}}, ""}},
      {"CR after CRLF", "data: a\r\n\r", {{{"data: a\r\n\r", "", "a"}}, ""}},
      {"not of a blank line", "data: a\n\ndata: b\r", {{{"data: a\n\n", "", "a"}}, "data: b\r"}},
      {"LF", "data: a\n\n", {{{"data: a\n\n", "", "a"}}, ""}},
      {"nothing", "", {{}, ""}},
  };
  for (const Row& row : ends) {
    SseSplitter splitter(1 << 20);
    Stream stream;
    EXPECT_TRUE(splitter.push(row.bytes));
    take(splitter, stream.events);
    splitter.end();
    take(splitter, stream.events);
    stream.rest = splitter.rest();
    EXPECT_EQ(stream, row.expected) << row.name;
  }
}

TEST(SseSplitter, F25InOnePush) {
  for (const Row& row : rows()) EXPECT_EQ(split({row.bytes}), row.expected) << row.name;
}

TEST(SseSplitter, F25CutAtEveryByte) {
  for (const Row& row : rows()) {
    const std::string_view bytes = row.bytes;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      EXPECT_EQ(split({bytes.substr(0, cut), bytes.substr(cut)}), row.expected) << row.name << " at " << cut;
    }
  }
}

TEST(SseSplitter, F25ByteByByte) {
  for (const Row& row : rows()) {
    std::vector<std::string_view> pushes;
    for (std::size_t at = 0; at < row.bytes.size(); ++at) pushes.push_back(std::string_view(row.bytes).substr(at, 1));
    EXPECT_EQ(split(pushes), row.expected) << row.name;
  }
}

TEST(SseSplitter, EventsNotTakenYetAreKept) {
  SseSplitter splitter(100);
  ASSERT_TRUE(splitter.push("data: a\n\ndata: b\n\nda"));
  ASSERT_TRUE(splitter.next());
  ASSERT_TRUE(splitter.push("ta: c\n\n"));
  std::vector<Event> events;
  take(splitter, events);
  EXPECT_THAT(events, testing::ElementsAre(Event{"data: b\n\n", "", "b"}, Event{"data: c\n\n", "", "c"}));
  EXPECT_EQ(splitter.rest(), "");
}

// F24
TEST(SseSplitter, F24CutsAnEventOverItsLimit) {
  SseSplitter one_line(10);
  EXPECT_TRUE(one_line.push("data: 6789"));
  EXPECT_FALSE(one_line.push("x"));

  SseSplitter lines(10);
  EXPECT_TRUE(lines.push(":a\n:b\n:c\n"));
  EXPECT_FALSE(lines.push(":d\n"));

  SseSplitter whole(10);
  EXPECT_FALSE(whole.push("data: 67890\n\n"));

  SseSplitter fits(10);
  EXPECT_TRUE(fits.push("data: 67\n\ndata: 67\n\n"));
  EXPECT_TRUE(fits.next());
  EXPECT_TRUE(fits.next());
  EXPECT_FALSE(fits.next());

  SseSplitter later(10);
  EXPECT_FALSE(later.push("data: 1\n\ndata: 6789012\n\n"));
  ASSERT_TRUE(later.next());
  EXPECT_FALSE(later.next());
}

TEST(SseSplitter, KeepsNoRoomOfLargeEvents) {
  SseSplitter splitter(8u << 20);
  ASSERT_TRUE(splitter.push("data: " + std::string(2u << 20, 'x') + "\ndata: y\n\ndata: z"));
  EXPECT_GT(splitter.held_bytes(), 2u << 20);
  ASSERT_TRUE(splitter.next());
  EXPECT_GT(splitter.held_bytes(), 4u << 20) << "its joined data counts too";
  splitter.drop_taken();
  EXPECT_EQ(splitter.held_bytes(), 7u);
  EXPECT_EQ(splitter.rest(), "data: z");
}

// A long line in small pushes costs its length, not its square: 4 MiB byte by byte ends at once or the test does not.
TEST(SseSplitter, NeverScansAByteTwice) {
  SseSplitter splitter(8u << 20);
  for (int i = 0; i < (4 << 20); ++i) ASSERT_TRUE(splitter.push("x"));
  ASSERT_TRUE(splitter.push("\n\n"));
  ASSERT_TRUE(splitter.next());
}

}  // namespace
}  // namespace cr::http::message
