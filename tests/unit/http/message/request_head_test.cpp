// SPDX-License-Identifier: MIT
#include "http/message/head.h"

#include <gtest/gtest.h>

#include "head_feed.h"

namespace cr::http::message {
namespace {

using namespace std::string_literals;

std::string line(const std::string& request_line) {
  return request_line + "\r\nHost: localhost\r\n\r\n";
}

HeadResult parse(std::string_view bytes, const std::vector<std::size_t>& ends, RequestHead& head) {
  return feed<RequestHeadParser>(bytes, ends, head);
}

TEST(RequestHead, ReadsEverythingOfAHead) {
  const std::string bytes =
      "POST /v1/chat/completions?a=1&b=%20 HTTP/1.1\r\nHost: localhost:8080\r\nauthorization:Bearer x\r\n"
      "X-Empty:\r\nX-Blanks: \t a \t b\t \r\nContent-Length: 007\r\nExpect: 100-Continue\r\n\r\n{\"a\":1}";
  RequestHead head;
  const auto result = parse(bytes, {bytes.size()}, head);
  EXPECT_EQ(describe(result), "complete " + std::to_string(bytes.size() - 7));
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(
      text_of(head),
      "POST /v1/chat/completions?a=1&b=%20 path=/v1/chat/completions query=a=1&b=%20 1.1 length=7 keep-alive expect"
      "\nHost=localhost:8080;\nauthorization=Bearer x;\nX-Empty=;\nX-Blanks=a \t b;\nContent-Length=007;"
      "\nExpect=100-Continue;");
  EXPECT_EQ(head.find("AUTHORIZATION"), "Bearer x");
  EXPECT_EQ(head.find("x-empty"), "");
  EXPECT_EQ(head.find("x-other"), std::nullopt);
  EXPECT_EQ(head.count("host"), 1U);
  EXPECT_EQ(head.count("x-other"), 0U);
}

TEST(RequestHead, CountsTheLeadingLineAsPartOfTheHead) {
  const std::string bytes = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  RequestHead head;
  EXPECT_EQ(describe(parse(bytes, {bytes.size()}, head)), "complete " + std::to_string(bytes.size() - 4));
  EXPECT_EQ(head.method_text, "GET");
}

TEST(RequestHead, NamesTheMethods) {
  const std::pair<const char*, Method> rows[] = {
      {"GET", Method::get},     {"HEAD", Method::head},      {"POST", Method::post},       {"PUT", Method::put},
      {"PATCH", Method::patch}, {"DELETE", Method::delete_}, {"OPTIONS", Method::options}, {"PROPFIND", Method::other},
      {"get", Method::other},   {"BREW", Method::other}};
  for (const auto& [text, method] : rows) {
    const auto bytes = line(std::string(text) + " / HTTP/1.1");
    RequestHead head;
    EXPECT_EQ(parse(bytes, {bytes.size()}, head).state, HeadState::complete);
    EXPECT_EQ(head.method, method) << text;
    EXPECT_EQ(head.method_text, text);
  }
}

TEST(RequestHead, SplitsTheTarget) {
  struct TargetRow {
    const char* target;
    const char* path;
    const char* query;
  };
  const TargetRow rows[] = {{"/", "/", ""},
                            {"/a?", "/a", ""},
                            {"/a?b?c", "/a", "b?c"},
                            {"/a%2Fb?c=%23", "/a%2Fb", "c=%23"},
                            {"//a//b", "//a//b", ""},
                            {"/http://x/y", "/http://x/y", ""},
                            {"http://localhost", "/", ""},
                            {"http://localhost?q=/x", "/", "q=/x"},
                            {"HTTPS://LOCALHOST/v1/models?q", "/v1/models", "q"}};
  for (const auto& row : rows) {
    const auto bytes = line("GET "s + row.target + " HTTP/1.1");
    RequestHead head;
    EXPECT_EQ(parse(bytes, {bytes.size()}, head).state, HeadState::complete) << row.target;
    EXPECT_EQ(head.target, row.target);
    EXPECT_EQ(head.path, row.path);
    EXPECT_EQ(head.query, row.query);
  }
}

TEST(RequestHead, KeepsTheConnectionByVersionAndConnection) {
  struct KeepRow {
    const char* version;
    const char* connection;
    bool keep_alive;
  };
  const KeepRow rows[] = {{"1.1", nullptr, true},
                          {"1.1", "close", false},
                          {"1.1", "CLOSE", false},
                          {"1.1", "keep-alive", true},
                          {"1.1", "keep-alive, close", false},
                          {"1.1", "x ,\tClose ,y", false},
                          {"1.1", "not-close", true},
                          {"1.1", "authorization, x-forwarded-for", true},
                          {"1.0", nullptr, false},
                          {"1.0", "Keep-Alive", true},
                          {"1.0", "close, keep-alive", false}};
  for (const auto& row : rows) {
    std::string bytes = "GET / HTTP/"s + row.version + "\r\nHost: a\r\n";
    if (row.connection != nullptr) bytes += "Connection: "s + row.connection + "\r\n";
    bytes += "\r\n";
    RequestHead head;
    EXPECT_EQ(parse(bytes, {bytes.size()}, head).state, HeadState::complete) << bytes;
    EXPECT_EQ(head.keep_alive, row.keep_alive) << bytes;
  }
}

TEST(RequestHead, DoesNotTakeAnExpectationFromHttp10) {
  const std::string bytes = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  RequestHead head;
  EXPECT_EQ(parse(bytes, {bytes.size()}, head).state, HeadState::complete);
  EXPECT_FALSE(head.expect_continue);
}

TEST(RequestHead, ForgetsTheHeadBefore) {
  const std::string first =
      "POST http://a/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
  const std::string second = "GET / HTTP/1.1\r\nHost: b\r\n\r\n";
  const std::string third = "POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n";
  RequestHeadParser parser{HeadLimits{}};
  RequestHead head;
  ASSERT_EQ(parser.parse(first, 0, head).state, HeadState::complete);
  EXPECT_EQ(text_of(head),
            "POST http://a/x?y path=/x query=y 1.1 length=5 expect\nHost=a;\nContent-Length=5;\nExpect=100-continue;"
            "\nConnection=close;");
  ASSERT_EQ(parser.parse(second, 0, head).state, HeadState::complete);
  EXPECT_EQ(text_of(head), "GET / path=/ query= 1.1 keep-alive\nHost=b;");
  ASSERT_EQ(parser.parse(third, 0, head).state, HeadState::complete);
  EXPECT_EQ(text_of(head), "POST / path=/ query= 1.1 chunked keep-alive\nHost=b;\nTransfer-Encoding=chunked;");
}

TEST(RequestHead, TakesPipelinedHeadsOneAtATime) {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer one\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer two\r\n\r\n";
  const std::string bytes = first + second;
  RequestHeadParser parser{HeadLimits{}};
  RequestHead head;
  auto result = parser.parse(bytes, 0, head);
  ASSERT_EQ(result.bytes, first.size());
  EXPECT_EQ(head.find("authorization"), "Bearer one");
  result = parser.parse(std::string_view(bytes).substr(result.bytes), 0, head);
  ASSERT_EQ(result.bytes, second.size());
  EXPECT_EQ(head.find("authorization"), "Bearer two");
}

TEST(RequestHead, StartsOverWhenSeenDoesNotContinueItsLastCall) {
  RequestHeadParser parser{HeadLimits{}};
  RequestHead head;
  const std::string begun = "GET / HTTP/1.1\r\nHost: a\r\nX";
  ASSERT_EQ(parser.parse(begun, 0, head).state, HeadState::need_more);
  const std::string other = "PUT / HTTP/1.1\r\n nonsense";
  EXPECT_EQ(parser.parse(other + "\r\n\r\n", 3, head).state, HeadState::refused);
}

TEST(RequestHead, HoldsEachLimitToTheByte) {
  const HeadLimits limits{.request_line_bytes_max = 20, .field_bytes_max = 30, .head_bytes_max = 100, .fields_max = 3};
  struct LimitRow {
    std::string bytes;
    std::string answer;
  };
  const auto field = [](std::size_t bytes) { return "X: " + std::string(bytes - 3, 'x') + "\r\n"; };
  const std::string host_line = "Host: a\r\n";
  const std::string start = "GET / HTTP/1.1\r\n";
  const LimitRow rows[] = {
      {"GET /123456 HTTP/1.1\r\n" + host_line + "\r\n", "complete 33"},
      {"GET /1234567 HTTP/1.1\r\n" + host_line + "\r\n", "refused 414: the request line is too long"},
      {"GET /123456 HTTP/1.1\r", "need_more"},
      {"GET /1234567 HTTP/1.1", "refused 414: the request line is too long"},
      {start + host_line + field(30) + "\r\n", "complete 59"},
      {start + host_line + field(31) + "\r\n", "refused 431: a header line is too long"},
      {start + host_line + field(31).substr(0, 30), "need_more"},
      {start + host_line + field(31).substr(0, 31), "refused 431: a header line is too long"},
      {start + host_line + field(4) + field(4) + "\r\n", "complete 39"},
      {start + host_line + field(4) + field(4) + field(4) + "\r\n", "refused 431: the head has too many header lines"},
      {start + host_line + field(30) + field(30) + "\r\n", "complete 91"},
      {start + "Host: abcdefghij\r\n" + field(30) + field(30) + "\r\n", "complete 100"},
      {start + "Host: abcdefghijk\r\n" + field(30) + field(30) + "\r\n", "refused 431: the head is too large"},
      {start + "Host: abcdefghij\r\n" + field(30) + field(30) + "\r", "need_more"},
      {start + host_line + field(30) + field(30) + "X: 12345678", "refused 431: the head is too large"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.bytes);
    RequestHead head;
    EXPECT_EQ(describe(feed<RequestHeadParser>(row.bytes, {row.bytes.size()}, head, limits)), row.answer);
    EXPECT_EQ(describe(feed<RequestHeadParser>(row.bytes, byte_by_byte(row.bytes), head, limits)), row.answer);
  }
}

// B3, B4
TEST(RequestHead, StopsAtTheDefaultLimits) {
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 1; i < 100; ++i) many += "X: y\r\n";
  RequestHead head;
  const auto good = many + "\r\n";
  EXPECT_EQ(describe(parse(good, {good.size()}, head)), "complete " + std::to_string(good.size()));
  EXPECT_EQ(head.fields.size(), 100U);
  const auto one_more = many + "X: y\r\n\r\n";
  EXPECT_EQ(describe(parse(one_more, {one_more.size()}, head)), "refused 431: the head has too many header lines");

  std::string large = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (large.size() < 65'536) large += "X: " + std::string(10'000, 'y') + "\r\n";
  EXPECT_EQ(describe(parse(large, {65'536, large.size()}, head)), "refused 431: the head is too large");
}

}  // namespace
}  // namespace cr::http::message
