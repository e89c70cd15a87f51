// SPDX-License-Identifier: MIT
#include "http/message/head.h"

#include <gtest/gtest.h>

#include "head_feed.h"

namespace cr::http::message {
namespace {

using namespace std::string_literals;

constexpr int k_complete = 0;
constexpr int k_need_more = -1;

struct Row {
  const char* number;  // of the table of faults
  std::string bytes;
  int status;  // of the refusal, or k_complete, k_need_more
};

// A request with `fields` after a good Host.
std::string with(const std::string& fields) {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string line(const std::string& request_line) {
  return request_line + "\r\nHost: localhost\r\n\r\n";
}

std::string host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

const Row k_rows[] = {
    {"A1", "GET / HTTP/1.1\r\n\r\n", 400},
    {"A1", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400},
    {"A1", "GET / HTTP/1.0\r\n\r\n", k_complete},
    {"A2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"A2", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"A3", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", 400},
    {"A4", host("user@localhost"), 400},
    {"A4", host("user:secret@localhost:80"), 400},
    {"A4", host("localhost/path"), 400},
    {"A4", host("a, b"), 400},
    {"A4", host("a,b"), 400},
    {"A4", host(""), 400},
    {"A4", host("   "), 400},
    {"A4", host("a b"), 400},
    {"A4", host("a?b"), 400},
    {"A4", host("a#b"), 400},
    {"A4", host("a\\b"), 400},
    {"A4", host("a%00b"), 400},
    {"A4", host("\xC3\xA4"), 400},
    {"A4", host(":80"), 400},
    {"A4", host("a:80:80"), 400},
    {"A4", host("a:8x"), 400},
    {"A4", host("a:123456"), 400},
    {"A4", host("[]"), 400},
    {"A4", host("[::1"), 400},
    {"A4", host("[::1]x"), 400},
    {"A4", host("[::1%eth0]"), 400},
    {"A4", host("http://localhost"), 400},
    {"A4", host("example.com"), k_complete},
    {"A4", host("example.com:8080"), k_complete},
    {"A4", host("example.com:"), k_complete},
    {"A4", host("my_service-1.internal"), k_complete},
    {"A4", host("127.0.0.1:8080"), k_complete},
    {"A4", host("[::1]:8080"), k_complete},
    {"A5", "GET http://a/v1 HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"A5", "GET http://a:80/v1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"A5", "GET http://a/v1 HTTP/1.1\r\n\r\n", 400},
    {"A5", "GET http://u@a/v1 HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"A5", "GET http://u@a/v1 HTTP/1.0\r\n\r\n", 400},
    {"A5", "GET http:///v1 HTTP/1.0\r\n\r\n", 400},
    {"A5", "GET http://a/v1 HTTP/1.1\r\nHost: a\r\n\r\n", k_complete},
    {"A5", "GET HTTPS://Example.COM:1/v1 HTTP/1.1\r\nHost: example.com:1\r\n\r\n", k_complete},
    {"A6", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"A7", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"A7", "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\n", 400},
    {"A7", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"A8", with("X: a\rb\r\n"), 400},
    {"A8", with("X: a\r\r\n"), 400},
    {"A8", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
    {"A9", "GET / HTTP/1.1\rHost: a\r\r", 400},
    {"A10", with("X: a\r\n b\r\n"), 400},
    {"A10", with("X: a\r\n\tb\r\n"), 400},
    {"A10", with("X: a\r\n \r\n"), 400},
    {"A10", with("Transfer-Encoding:\r\n chunked\r\n"), 400},
    {"A11", with("X : a\r\n"), 400},
    {"A11", with("X\t: a\r\n"), 400},
    {"A11", with("Content-Length : 5\r\n"), 400},
    {"A12", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"A12", "GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", 400},
    {"A13", with(": a\r\n"), 400},
    {"A14", with("nonsense\r\n"), 400},
    {"A15", with("X[]: a\r\n"), 400},
    {"A15", with("X(: a\r\n"), 400},
    {"A15", with("X\"Y: a\r\n"), 400},
    {"A15", with("X/Y: a\r\n"), 400},
    {"A15", with("!#$%&'*+-.^_`|~09azAZ: a\r\n"), k_complete},
    {"A16", with("X\0Y: a\r\n"s), 400},
    {"A16", with("X: a\0b\r\n"s), 400},
    {"A16", line("GET /a\0b HTTP/1.1"s), 400},
    {"A17", with("X: a\x01\r\n"), 400},
    {"A17",
     with("X: \x1F"
          "a\r\n"),
     400},
    {"A17",
     with("X: a\x7F"
          "b\r\n"),
     400},
    {"A17",
     with("X: a\x0B"
          "b\r\n"),
     400},
    {"A17", with("X: 0123456789abcdef\x1B[2J\r\n"), 400},
    {"A17", with("X: a\tb\r\n"), k_complete},
    {"A17", with("X: \xE2\x82\xAC and \xFF\r\n"), k_complete},
    {"A18", with("X\xC3\xA4: a\r\n"), 400},
    {"A18", with("\xEF\xBB\xBFX: a\r\n"), 400},
    {"A19", line("GET  / HTTP/1.1"), 400},
    {"A19", line("GET /  HTTP/1.1"), 400},
    {"A19", line(" GET / HTTP/1.1"), 400},
    {"A19", line("GET / HTTP/1.1 "), 400},
    {"A19", line("GET / a HTTP/1.1"), 400},
    {"A20", line("GET\t/\tHTTP/1.1"), 400},
    {"A20", line("GET /\tHTTP/1.1"), 400},
    {"A20", line("GET /a\tb HTTP/1.1"), 400},
    {"A21", line("GET HTTP/1.1"), 400},
    {"A21", line("GET"), 400},
    {"A22", "GET /\r\n", 400},
    {"A22", "GET / \r\n\r\n", 400},
    {"A23", line("GET / HTTP/9.9"), 505},
    {"A23", line("GET / HTTP/2.0"), 505},
    {"A23", line("GET / HTTP/0.9"), 505},
    {"A23", line("GET / HTTP/1.2"), 505},
    {"A23", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"A23", line("GET / http/1.1"), 400},
    {"A23", line("GET / HTTP/1."), 400},
    {"A23", line("GET / HTTP/01.1"), 400},
    {"A23", line("GET / HTTP/1.1x"), 400},
    {"A23", line("GET / HTTP/1,1"), 400},
    {"A23", line("GET / HTTPS/1.1"), 400},
    {"A24", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s, 400},
    {"A25", "\xFF"s + std::string(4095, '\x9C'), 400},
    {"A25", "abc"s + std::string(4093, '\0'), 400},
    {"A26", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", k_complete},
    {"A26", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"A26", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"A26", "\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"A27", line("GET /a#b HTTP/1.1"), 400},
    {"A27", line("GET /a?b#c HTTP/1.1"), 400},
    {"A28", line("CONNECT localhost:443 HTTP/1.1"), 405},
    {"A28", line("CONNECT / HTTP/1.1"), 405},
    {"A28", line("GET http://elsewhere.example/ HTTP/1.1"), 400},
    {"A28", line("GET ftp://localhost/ HTTP/1.1"), 400},
    {"A28", line("GET * HTTP/1.1"), 400},
    {"A28", line("GET localhost:80 HTTP/1.1"), 400},
    {"A28", line("GET v1/models HTTP/1.1"), 400},
    {"A28", line("OPTIONS *x HTTP/1.1"), 400},
    {"A28", line("OPTIONS * HTTP/1.1"), k_complete},
    {"A29", line("TRACE / HTTP/1.1"), 405},
    {"A30", line("BREW / HTTP/1.1"), k_complete},
    {"A30", line("get / HTTP/1.1"), k_complete},
    {"A30", line(std::string(32, 'A') + " / HTTP/1.1"), k_complete},
    {"A30", line(std::string(33, 'A') + " / HTTP/1.1"), 400},
    {"A30", line(std::string(8192, 'A') + " / HTTP/1.1"), 400},
    {"A30", line("G(T / HTTP/1.1"), 400},
    {"A30", line("G\xC3\x89T / HTTP/1.1"), 400},
    {"A31", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"A31", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {"A31", with("Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n"), 400},
    {"A31", with("Content-Length: 0\r\nTransfer-Encoding: identity\r\n"), 400},
    {"A32", with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"A33", with("Content-Length: 5\r\ncontent-length: 5\r\n"), 400},
    {"A33", with("Content-Length: 5, 5\r\n"), 400},
    {"A33", with("Content-Length: 5,\r\n"), 400},
    {"A34", with("Content-Length: -5\r\n"), 400},
    {"A34", with("Content-Length: +5\r\n"), 400},
    {"A34", with("Content-Length: 0x5\r\n"), 400},
    {"A34", with("Content-Length: 5e0\r\n"), 400},
    {"A34", with("Content-Length: 5 5\r\n"), 400},
    {"A34", with("Content-Length: \r\n"), 400},
    {"A34", with("Content-Length: 5.0\r\n"), 400},
    {"A34", with("Content-Length: \xB2\r\n"), 400},
    {"A34", with("Content-Length: 010\r\n"), k_complete},
    {"A35", with("Content-Length: 9223372036854775807\r\n"), k_complete},
    {"A35", with("Content-Length: 9223372036854775808\r\n"), 400},
    {"A35", with("Content-Length: 18446744073709551616\r\n"), 400},
    {"A35", with("Content-Length: 18446744073709551621\r\n"), 400},
    {"A35", with("Content-Length: " + std::string(40, '1') + "\r\n"), 400},
    {"A35", with("Content-Length: " + std::string(40, '0') + "\r\n"), 400},
    {"A35b", with("Content_Length: 5\r\n"), 400},
    {"A35b", with("content.length: 5\r\n"), 400},
    {"A35b", with("Content-Length: 5\r\nCONTENT_LENGTH: 6\r\n"), 400},
    {"A35b", with("Transfer_Encoding: chunked\r\n"), 400},
    {"A35b", with("Content-Length: 5\r\ntransfer_encoding: chunked\r\n"), 400},
    {"A35b", with("Transfer'Encoding: chunked\r\n"), 400},
    {"A35b", with("TransferXEncoding: chunked\r\n"), 400},
    {"A35b", with("X-Transfer_Encoding: chunked\r\nContent-Lengths: 5\r\nContentLength: 5\r\n"), k_complete},
    {"A35b", with("Transfer-Encodinh: chunked\r\nContent_Lengtx: 5\r\n"), k_complete},
    {"A37", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"A37", with("Transfer-Encoding: chunked\r\n"), k_complete},
    {"A37", with("transfer-encoding: CHUNKED\r\n"), k_complete},
    {"A37", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"A37", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400},
    {"A37", with("Transfer-Encoding: chunked, chunked\r\n"), 400},
    {"A37", with("Transfer-Encoding: chunked, identity\r\n"), 400},
    {"A37", with("Transfer-Encoding: identity\r\n"), 400},
    {"A37", with("Transfer-Encoding: xchunked\r\n"), 400},
    {"A37", with("Transfer-Encoding: \"chunked\"\r\n"), 400},
    {"A37", with("Transfer-Encoding: chunked;q=1\r\n"), 400},
    {"A37",
     with("Transfer-Encoding: \x0B"
          "chunked\r\n"),
     400},
    {"A37", with("Transfer-Encoding:\r\n"), 400},
    {"A37", with("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {"A42", with("Expect: 100-continue\r\n"), k_complete},
    {"A42", with("Expect: 100-CONTINUE\r\n"), k_complete},
    {"A42", with("Expect: 200-ok\r\n"), 417},
    {"A42", with("Expect:\r\n"), 417},
    {"A42", with("Expect: 100-continue, 100-continue\r\n"), 417},
    {"A42", with("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417},
    {"A42", with("Expect: 100-continue\r\nExpect: y\r\n"), 417},
    {"A42", with("Expect: \"100-continue\"\r\n"), 417},
    {"A42", with("Expect: 100 -continue\r\n"), 417},
    {"A43", with("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"), k_complete},
    {"A43", with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), k_complete},
    {"A44", with("Connection: authorization, x-forwarded-for\r\n"), k_complete},
    {"A45", with("") + with(""), k_complete},
    {"A46", with("Content-Length: 36\r\n") + "GET /admin HTTP/1.1\r\nHost: evil\r\n\r\n", k_complete},
    {"A47", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", k_complete},
    {"A50", line("GET /a%0d%0aX:%20y HTTP/1.1"), k_complete},
    {"A50", line("GET /v1/%00 HTTP/1.1"), 400},
    {"A50", line("GET /%00 HTTP/1.1"), 400},
    {"A50", line("GET /v1/models/a%00b?x=1 HTTP/1.1"), 400},
    {"A50", line("GET /v1/models?x=%00 HTTP/1.1"), 400},
    {"A50", line("GET http://localhost/%00 HTTP/1.1"), 400},
    {"A50", line("GET /v1/%zz HTTP/1.1"), 400},
    {"A50", line("GET /v1/%4 HTTP/1.1"), 400},
    {"A50", line("GET /v1/% HTTP/1.1"), 400},
    {"A50", line("GET /v1/%?x HTTP/1.1"), 400},
    {"A50", line("GET /v1/%4?4 HTTP/1.1"), 400},
    {"A50", line("GET /v1/%%00 HTTP/1.1"), 400},
    {"A50", line("GET /v1/models?like=100%&x=%zz HTTP/1.1"), k_complete},
    {"A50", line("GET /v1/a%2fb%2500%fF HTTP/1.1"), k_complete},
    {"A50", with("X: a%00b\r\n"), k_complete},
    {"A50", with("X: a%0d%0aY: b\r\n"), k_complete},
    {"A51", with("REMOTE_ADDR: 1.2.3.4\r\nLOCAL_ADDR: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n"), k_complete},
    {"B1", line("GET /" + std::string(8200, 'a') + " HTTP/1.1"), 414},
    {"B1", "GET /" + std::string(8200, 'a'), 414},
    {"B2", with("X: " + std::string(16'384, 'a') + "\r\n"), 431},
    {"B2", "GET / HTTP/1.1\r\nX: " + std::string(16'384, 'a'), 431},
    {"C2", with("Authorization: Bearer a\r\nAuthorization: Bearer a\r\n"), 400},
    {"C2", with("Authorization: Bearer a\r\nauthorization: Bearer b\r\n"), 400},
    {"E9", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"E9", "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"E9", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C"s, 400},
    {"partial", "", k_need_more},
    {"partial", "\r", k_need_more},
    {"partial", "\r\n", k_need_more},
    {"partial", "\r\n\r", k_need_more},
    {"partial", "GE", k_need_more},
    {"partial", "GET / HTTP/1.1\r", k_need_more},
    {"partial", "GET / HTTP/1.1\r\nHost: a\r\n\r", k_need_more},
};

HeadResult parse(std::string_view bytes, const std::vector<std::size_t>& ends, RequestHead& head) {
  return feed<RequestHeadParser>(bytes, ends, head);
}

TEST(RequestHeadFaults, AnswersEachRow) {
  for (const auto& row : k_rows) {
    SCOPED_TRACE(row.number + (": "s + row.bytes.substr(0, 200)));
    RequestHead head;
    const auto result = parse(row.bytes, {row.bytes.size()}, head);
    if (row.status == k_complete) {
      EXPECT_EQ(result.state, HeadState::complete) << describe(result);
    } else if (row.status == k_need_more) {
      EXPECT_EQ(result.state, HeadState::need_more) << describe(result);
    } else {
      EXPECT_EQ(result.state, HeadState::refused) << describe(result);
      EXPECT_EQ(result.status, row.status) << describe(result);
      EXPECT_FALSE(result.reason.empty());
    }
  }
}

// A52
TEST(RequestHeadFaults, AnswersTheSameHoweverItIsCut) {
  for (const auto& row : k_rows) {
    SCOPED_TRACE(row.number + (": "s + row.bytes.substr(0, 200)));
    RequestHead whole;
    const auto expected = parse(row.bytes, {row.bytes.size()}, whole);
    for (std::size_t cut = 0; cut < std::min<std::size_t>(row.bytes.size(), 300); ++cut) {
      RequestHead head;
      const auto result = parse(row.bytes, {cut, row.bytes.size()}, head);
      ASSERT_EQ(describe(result), describe(expected)) << "cut at " << cut;
      // A head may be complete before the last bytes have come; then the last call's head was not asked for.
      if (result.state == HeadState::complete && result.bytes > cut) {
        ASSERT_EQ(text_of(head), text_of(whole));
      }
    }
    RequestHead head;
    ASSERT_EQ(describe(parse(row.bytes, byte_by_byte(row.bytes), head)), describe(expected)) << "byte by byte";
  }
}

TEST(RequestHeadFaults, SaysNothingOfTheInput) {
  for (const auto& row : k_rows) {
    RequestHead head;
    const auto result = parse(row.bytes, {row.bytes.size()}, head);
    if (result.state != HeadState::refused) continue;
    const bool inside =
        result.reason.data() >= row.bytes.data() && result.reason.data() < row.bytes.data() + row.bytes.size();
    EXPECT_FALSE(inside) << row.number;
  }
}

}  // namespace
}  // namespace cr::http::message
