// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "head_feed.h"
#include "http/message/head.h"

namespace cr::http::message {
namespace {

using namespace std::string_literals;

struct Row {
  const char* number;  // of the table of faults
  std::string bytes;
  bool good;
};

std::string with(const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

std::string line(const std::string& status_line) {
  return status_line + "\r\nContent-Length: 0\r\n\r\n";
}

const Row k_rows[] = {
    {"status line", line("HTTP/1.1 200 OK"), true},
    {"status line", line("HTTP/1.1 200 "), true},
    {"status line", line("HTTP/1.1 200"), true},
    {"status line", line("HTTP/1.0 404 Not \xC3\xA4 found\t!"), true},
    {"status line", line("HTTP/1.1 599 ?"), true},
    {"status line", line("HTTP/1.1 100 Continue"), true},
    {"status line", line("HTTP/1.1 600 ?"), false},
    {"status line", line("HTTP/1.1 666"), false},
    {"status line", line("HTTP/1.1 999 ?"), false},
    {"status line", line("HTTP/1.1  200 OK"), false},
    {"status line", line("HTTP/1.1 20 OK"), false},
    {"status line", line("HTTP/1.1 2000 OK"), false},
    {"status line", line("HTTP/1.1 099 OK"), false},
    {"status line", line("HTTP/1.1 -20 OK"), false},
    {"status line", line("HTTP/1.1 2x0 OK"), false},
    {"status line", line("HTTP/1.1 200OK"), false},
    {"status line", line("HTTP/1.1\t200 OK"), false},
    {"status line", line("HTTP/1.1 "), false},
    {"status line", line("HTTP/1.1"), false},
    {"status line", line("HTTP/1.2 200 OK"), false},
    {"status line", line("HTTP/2 200 OK"), false},
    {"status line", line("http/1.1 200 OK"), false},
    {"status line", line("ICY 200 OK"), false},
    {"status line", line(""), false},
    {"status line", "\r\n" + line("HTTP/1.1 200 OK"), false},
    {"status line", line("HTTP/1.1 200 \x1B[2J"), false},
    {"status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", false},
    {"status line", "SSH-2.0-OpenSSH_9.2\r\n", false},
    {"status line", "\x15\x03\x01\x00\x02\x02\x16"s, false},
    {"F16", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), false},
    {"F16", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), false},
    {"F16", with("Content-Length: 5\r\nContent-Length: 6\r\n"), false},
    {"F16", with("Content-Length: 5\r\nContent-Length: 5\r\n"), false},
    {"F16", with("Content-Length: 5, 5\r\n"), false},
    {"F16", with("Content-Length: -1\r\n"), false},
    {"F16", with("Content-Length: 0x10\r\n"), false},
    {"F16", with("Content-Length:\r\n"), false},
    {"F16", with("Content-Length: 9223372036854775808\r\n"), false},
    {"F16", with("Transfer-Encoding: gzip\r\n"), false},
    {"F16", with("Transfer-Encoding: gzip, chunked\r\n"), false},
    {"F16", with("Transfer-Encoding: chunked, chunked\r\n"), false},
    {"F16", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), false},
    {"F16", with("Content_Length: 5\r\n"), false},
    {"F16", with("Content-Length: 2\r\nTransfer_Encoding: chunked\r\n"), false},
    {"F16", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false},
    {"F16", "HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n", false},
    {"fields", with("X: a\r\n b\r\n"), false},
    {"fields", with("X: a\rb\r\n"), false},
    {"fields", with("X: a\n"), false},
    {"fields", with("X: a\0b\r\n"s), false},
    {"fields", with("X : a\r\n"), false},
    {"fields", with(" X: a\r\n"), false},
    {"fields", with("nonsense\r\n"), false},
    {"fields", with(": a\r\n"), false},
    {"fields", with("X\xC3\xA4: a\r\n"), false},
    {"fields", with("X: \xC3\xA4\tb\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"), true},
    {"fields", with(""), true},
};

HeadResult parse(std::string_view bytes, const std::vector<std::size_t>& ends, ResponseHead& head) {
  return feed<ResponseHeadParser>(bytes, ends, head);
}

std::string text_of(const ResponseHead& head) {
  std::string text = "1." + std::to_string(head.minor_version) + " " + std::to_string(head.status);
  if (head.content_length) text += " length=" + std::to_string(*head.content_length);
  if (head.chunked) text += " chunked";
  if (head.keep_alive) text += " keep-alive";
  for (const auto& field : head.fields) text += "\n" + std::string(field.name) + "=" + std::string(field.value) + ";";
  return text;
}

TEST(ResponseHead, AnswersEachRow) {
  for (const auto& row : k_rows) {
    SCOPED_TRACE(row.number + (": "s + row.bytes));
    ResponseHead head;
    const auto result = parse(row.bytes, {row.bytes.size()}, head);
    EXPECT_EQ(result.state, row.good ? HeadState::complete : HeadState::refused) << describe(result);
    EXPECT_EQ(result.reason.empty(), row.good);
  }
}

// A52
TEST(ResponseHead, AnswersTheSameHoweverItIsCut) {
  for (const auto& row : k_rows) {
    SCOPED_TRACE(row.number + (": "s + row.bytes));
    ResponseHead whole;
    const auto expected = parse(row.bytes, {row.bytes.size()}, whole);
    for (std::size_t cut = 0; cut < row.bytes.size(); ++cut) {
      ResponseHead head;
      const auto result = parse(row.bytes, {cut, row.bytes.size()}, head);
      ASSERT_EQ(describe(result), describe(expected)) << "cut at " << cut;
      if (result.state == HeadState::complete) {
        ASSERT_EQ(text_of(head), text_of(whole));
      }
    }
    ResponseHead head;
    ASSERT_EQ(describe(parse(row.bytes, byte_by_byte(row.bytes), head)), describe(expected)) << "byte by byte";
  }
}

TEST(ResponseHead, DecidesWhereTheBodyEnds) {
  const std::pair<std::string, std::string> rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", "1.1 200 length=12 keep-alive"},
      {"HTTP/1.1 200\r\nContent-Length: 12\r\n\r\n", "1.1 200 length=12 keep-alive"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", "1.1 200 chunked keep-alive"},
      {"HTTP/1.1 200 OK\r\n\r\n", "1.1 200"},
      {"HTTP/1.1 200\r\n\r\n", "1.1 200"},
      {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", "1.1 200"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: Close\r\n\r\n", "1.1 200 length=1"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "1.0 200 length=1"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", "1.0 200 length=1 keep-alive"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "1.1 100 length=0 keep-alive"},
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "1.1 103 length=0 keep-alive"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "1.1 204 length=0 keep-alive"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "1.1 204 length=0 keep-alive"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "1.1 204 length=0"},
      {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "1.1 204 length=0"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "1.1 304 length=0 keep-alive"},
  };
  for (const auto& [bytes, expected] : rows) {
    ResponseHead head;
    EXPECT_EQ(describe(parse(bytes, {bytes.size()}, head)), "complete " + std::to_string(bytes.size()));
    const auto text = text_of(head);
    EXPECT_EQ(text.substr(0, text.find('\n')), expected) << bytes;
  }
}

TEST(ResponseHead, ReadsTheFields) {
  const std::string bytes = "HTTP/1.1 429\r\nRetry-After: 3\r\nContent-Length: 2\r\nX:  a b \r\n\r\n{}";
  ResponseHead head;
  EXPECT_EQ(describe(parse(bytes, {bytes.size()}, head)), "complete " + std::to_string(bytes.size() - 2));
  EXPECT_EQ(text_of(head), "1.1 429 length=2 keep-alive\nRetry-After=3;\nContent-Length=2;\nX=a b;");
  EXPECT_EQ(head.find("retry-after"), "3");
  EXPECT_EQ(head.find("x-other"), std::nullopt);
}

// F14
TEST(ResponseHead, HoldsItsLimits) {
  const HeadLimits limits{
      .request_line_bytes_max = 64, .field_bytes_max = 1024, .head_bytes_max = 4096, .fields_max = 20};
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) many += "X: y\r\n";
  ResponseHead head;
  EXPECT_EQ(describe(feed<ResponseHeadParser>(many, {many.size()}, head, limits)),
            "refused 431: the head has too many header lines");
  const std::string large = "HTTP/1.1 200 OK\r\nX: " + std::string(1'000'000, 'y');
  EXPECT_EQ(describe(feed<ResponseHeadParser>(large, {large.size()}, head, limits)),
            "refused 431: a header line is too long");
  std::string wide = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 5; ++i) wide += "X: " + std::string(1000, 'y') + "\r\n";
  EXPECT_EQ(describe(feed<ResponseHeadParser>(wide, {wide.size()}, head, limits)),
            "refused 431: the head is too large");
  const std::string reason = "HTTP/1.1 200 " + std::string(100, 'y');
  EXPECT_EQ(feed<ResponseHeadParser>(reason, {reason.size()}, head, limits).state, HeadState::refused);
}

// RFC 9112, 6.3.
TEST(ResponseHead, WhetherThereIsABodyIsKnownByMethodAndStatus) {
  for (const int status : {200, 201, 205, 206, 400, 404, 500, 599})
    EXPECT_TRUE(has_body(Method::post, status)) << status;
  for (const int status : {100, 101, 103, 199, 204, 304}) EXPECT_FALSE(has_body(Method::post, status)) << status;
  for (const int status : {200, 204, 404}) EXPECT_FALSE(has_body(Method::head, status)) << status;
  EXPECT_TRUE(has_body(Method::get, 200));
}

}  // namespace
}  // namespace cr::http::message
