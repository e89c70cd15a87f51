// SPDX-License-Identifier: MIT
// A program of its own, as it replaces operator new: warm parsers and writers must not allocate.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "http/message/chunked.h"
#include "http/message/head.h"
#include "http/message/head_writer.h"

namespace {
std::size_t allocations = 0;  // the tests run on one thread
}

void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// Not inlined, or g++ takes free() for the mismatched partner of operator new.
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace cr::http::message {
namespace {

const std::string k_request =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer "
    "cr-0123456789abcdefghijklmnopqrstuvwxyz\r\nContent-Type: application/json\r\nContent-Length: 245\r\n"
    "Connection: keep-alive\r\nAccept: */*\r\nUser-Agent: curl/7.88.1\r\nExpect: 100-continue\r\n\r\n";
const std::string k_response =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/event-stream\r\n"
    "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n";

template <class Action>
std::size_t allocations_of(Action action) {
  action();
  const std::size_t before = allocations;
  action();
  return allocations - before;
}

TEST(HeadAllocation, IsCounted) {
  EXPECT_GT(allocations_of([] { std::string(1000, 'a').swap(*std::make_unique<std::string>()); }), 0U);
}

TEST(HeadAllocation, AWarmRequestParserMakesNone) {
  RequestHeadParser parser{HeadLimits{}};
  RequestHead head;
  EXPECT_EQ(allocations_of([&] {
              const std::size_t half = k_request.size() / 2;
              ASSERT_EQ(parser.parse(std::string_view(k_request).substr(0, half), 0, head).state, HeadState::need_more);
              ASSERT_EQ(parser.parse(k_request, half, head).state, HeadState::complete);
            }),
            0U);
}

TEST(HeadAllocation, AWarmResponseParserMakesNone) {
  ResponseHeadParser parser{HeadLimits{}};
  ResponseHead head;
  EXPECT_EQ(allocations_of([&] { ASSERT_EQ(parser.parse(k_response, 0, head).state, HeadState::complete); }), 0U);
}

TEST(HeadAllocation, AChunkedDecoderMakesNone) {
  EXPECT_EQ(allocations_of([&] {
              ChunkedDecoder decoder;
              ASSERT_EQ(decoder.step("1;a=b\r\nx").state, ChunkState::data);
              ASSERT_EQ(decoder.step("\r\n0\r\nX: y\r\n\r\n").state, ChunkState::done);
            }),
            0U);
}

TEST(HeadAllocation, AWarmWriterMakesNone) {
  std::string out;
  const auto now = base::wall_now();
  EXPECT_EQ(allocations_of([&] {
              out.clear();
              HeadWriter writer(out);
              writer.status_line(200);
              writer.field("Date", http_date(now));
              writer.field("Content-Length", std::uint64_t{123456});
              writer.end();
            }),
            0U);
}

}  // namespace
}  // namespace cr::http::message
