// SPDX-License-Identifier: MIT
#include "http/message/chunked.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace cr::http::message {
namespace {

using namespace std::string_literals;

struct Row {
  const char* number;  // of the table of faults
  std::string bytes;
  std::string answer;
};

std::string last_chunk_with_32_trailers() {
  std::string text = "0\r\n";
  for (int i = 0; i < 32; ++i) text += "X: y\r\n";
  return text;
}

const std::string k_long_extension(255, 'a');

const Row k_rows[] = {
    {"RFC", "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", "Wikipedia, done 24"},
    {"RFC", "0\r\n\r\n", ", done 5"},
    {"RFC", "000\r\n\r\n", ", done 7"},
    {"RFC", "0000000000000001\r\na\r\n0\r\n\r\n", "a, done 26"},
    {"RFC", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789, done 35"},
    {"RFC", "2\r\n\r\n\r\n0\r\n\r\n", "\r\n, done 12"},
    {"RFC", "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "a, done 11"},
    {"A36", "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: x\r\nAuthorization: y\r\n\r\n", ", done 79"},
    {"A36", "0\r\nX:\r\nY: \xC3\xA4\tz\r\n\r\n", ", done 18"},
    {"A36", "0\r\nnonsense\r\n\r\n", ", refused"},
    {"A36", "0\r\nX y: z\r\n\r\n", ", refused"},
    {"A36", "0\r\nX : z\r\n\r\n", ", refused"},
    {"A36", "0\r\n: z\r\n\r\n", ", refused"},
    {"A36", "0\r\nX: a\r\n b\r\n\r\n", ", refused"},
    {"A36", "0\r\nX: a\0b\r\n\r\n"s, ", refused"},
    {"A36", "0\r\nX: a\x7F\r\n\r\n", ", refused"},
    {"A36", "0\r\nX: a\n\r\n", ", refused"},
    {"A36", "0\r\nX: a\rb\r\n\r\n", ", refused"},
    {"A36", "0\r\n\n", ", refused"},
    {"A36", "0\r\n\rX", ", refused"},
    {"A36", last_chunk_with_32_trailers() + "\r\n", ", done 197"},
    {"A36", last_chunk_with_32_trailers() + "X: y\r\n\r\n", ", refused"},
    {"A36", "0\r\nX: " + std::string(8188, 'y') + "\r\n\r\n", ", done 8198"},
    {"A36", "0\r\nX: " + std::string(8189, 'y') + "\r\n\r\n", ", refused"},
    {"A38", "-1\r\na\r\n0\r\n\r\n", ", refused"},
    {"A38", "-2\r\n", ", refused"},
    {"A38", "+5\r\nabcde\r\n", ", refused"},
    {"A38", "0x5\r\nabcde\r\n", ", refused"},
    {"A38", "5_0\r\n", ", refused"},
    {"A38", " 5\r\nabcde\r\n", ", refused"},
    {"A38", "5 \r\nabcde\r\n", ", refused"},
    {"A38", "5\t\r\nabcde\r\n", ", refused"},
    {"A38", "5 ;a\r\nabcde\r\n", ", refused"},
    {"A38", "00000000000000005\r\nabcde\r\n", ", refused"},
    {"A38", "10000000000000000\r\n", ", refused"},
    {"A38", "ffffffffffffffff\r\n", ", refused"},
    {"A38", "8000000000000000\r\n", ", refused"},
    {"A38", "7fffffffffffffff\r\nab", "ab, need more"},
    {"A38", "\r\nabcde\r\n", ", refused"},
    {"A38", ";a=b\r\n", ", refused"},
    {"A38", "g\r\n", ", refused"},
    {"A38", "\xEF\xBC\x95\r\n", ", refused"},
    {"A38", "1\r\na\r\n\r\n\r\n", "a, refused"},
    {"A39", "1;a\r\nx\r\n0;b=c\r\n\r\n", "x, done 17"},
    {"A39", "1; a = b;c=\"d;\\\" e\"\r\nx\r\n0\r\n\r\n", "x, done 29"},
    {"A39", "1;" + k_long_extension + "b\r\nx\r\n0\r\n\r\n", "x, done 268"},
    {"A39", "1;" + k_long_extension + "bc\r\nx\r\n0\r\n\r\n", ", refused"},
    {"A39", "1;\r\nx\r\n", ", refused"},
    {"A39", "1; \r\nx\r\n", ", refused"},
    {"A39", "1;;\r\nx\r\n", ", refused"},
    {"A39", "1;a;\r\nx\r\n", ", refused"},
    {"A39", "1;=b\r\nx\r\n", ", refused"},
    {"A39", "1;a\nb\r\nx\r\n", ", refused"},
    {"A39", "1;a\rb\r\nx\r\n", ", refused"},
    {"A39", "1;a=\"\r\nx\r\n", ", refused"},
    {"A39", "1;a=\"b\\\r\nx\r\n", ", refused"},
    {"A39", "1;a=\"b\n\"\r\nx\r\n", ", refused"},
    {"A39", "1;a\x01\r\nx\r\n", ", refused"},
    {"A39", "1;a\0\r\nx\r\n"s, ", refused"},
    {"A39", "1;a\tb\r\nx\r\n", ", refused"},
    {"A39", "1;a\xC3\xA4\r\nx\r\n", ", refused"},
    {"A40", "3\r\nabcd\r\n", "abc, refused"},
    {"A40", "3\r\nabc\n0\r\n\r\n", "abc, refused"},
    {"A40", "3\r\nabc\r0\r\n\r\n", "abc, refused"},
    {"A40", "3\r\nabc0\r\n\r\n", "abc, refused"},
    {"A40", "3\nabc\r\n0\r\n\r\n", ", refused"},
    {"A40", "3\rabc\r\n0\r\n\r\n", ", refused"},
    {"A40", "0\n\n", ", refused"},
    {"A40", "0\r\n\n", ", refused"},
    {"A41", "", ", need more"},
    {"A41", "5", ", need more"},
    {"A41", "5\r\nab", "ab, need more"},
    {"A41", "5\r\nabcde", "abcde, need more"},
    {"A41", "5\r\nabcde\r\n", "abcde, need more"},
    {"A41", "0\r\n", ", need more"},
    {"A41", "0\r\nX: y\r\n\r", ", need more"},
    {"F15", "zz\r\n{}", ", refused"},
    {"F15", "HTTP/1.1 200 OK\r\n", ", refused"},
};

// The decoded data and how it ended, of a body that arrives in parts ending at `ends`.
std::string decode(const std::string& bytes, const std::vector<std::size_t>& ends) {
  ChunkedDecoder decoder;
  std::string data;
  std::size_t at = 0;
  for (const std::size_t end : ends) {
    // An allocation of just the part's size: a sanitizer sees a read past it.
    const std::unique_ptr<char[]> part(new char[end - at]);
    if (end != at) std::memcpy(part.get(), bytes.data() + at, end - at);
    std::string_view rest(part.get(), end - at);
    for (;;) {
      const auto step = decoder.step(rest);
      EXPECT_LE(step.consumed, rest.size());
      rest.remove_prefix(step.consumed);
      at += step.consumed;
      if (step.state == ChunkState::refused) return data + ", refused";
      EXPECT_EQ(decoder.done(), step.state == ChunkState::done);
      if (step.state == ChunkState::done) return data + ", done " + std::to_string(at);
      if (step.state == ChunkState::need_more) break;
      EXPECT_FALSE(step.data.empty());
      data += step.data;
    }
    EXPECT_TRUE(rest.empty());
  }
  return data + ", need more";
}

TEST(ChunkedDecoder, AnswersEachRow) {
  for (const auto& row : k_rows)
    EXPECT_EQ(decode(row.bytes, {row.bytes.size()}), row.answer) << row.number << row.bytes;
}

// A52
TEST(ChunkedDecoder, AnswersTheSameHoweverItIsCut) {
  for (const auto& row : k_rows) {
    std::vector<std::size_t> each;
    for (std::size_t end = 1; end <= row.bytes.size(); ++end) each.push_back(end);
    EXPECT_EQ(decode(row.bytes, each), row.answer) << row.number << row.bytes;
    const std::size_t stride = row.bytes.size() / 300 + 1;
    for (std::size_t cut = 0; cut < row.bytes.size(); cut += stride) {
      ASSERT_EQ(decode(row.bytes, {cut, row.bytes.size()}), row.answer) << row.number << row.bytes << " at " << cut;
    }
  }
}

TEST(ChunkedDecoder, HandsOutViewsOfTheInput) {
  const std::string bytes = "5\r\nabcde\r\n0\r\n\r\n";
  ChunkedDecoder decoder;
  const auto step = decoder.step(bytes);
  EXPECT_EQ(step.state, ChunkState::data);
  EXPECT_EQ(step.data.data(), bytes.data() + 3);
  EXPECT_EQ(step.consumed, 8U);
}

TEST(ChunkedDecoder, StaysRefusedAndStaysDone) {
  ChunkedDecoder refused;
  EXPECT_EQ(refused.step("x").state, ChunkState::refused);
  EXPECT_EQ(refused.step("0\r\n\r\n").state, ChunkState::refused);
  EXPECT_FALSE(refused.done());
  ChunkedDecoder done;
  EXPECT_EQ(done.step("0\r\n\r\n").state, ChunkState::done);
  const auto after = done.step("0\r\n\r\n");
  EXPECT_EQ(after.state, ChunkState::done);
  EXPECT_EQ(after.consumed, 0U);
}

TEST(ChunkedDecoder, BoundsTheExtensionsOfAWholeBody) {
  std::string bytes;
  for (int i = 0; i < 64; ++i) bytes += "1;" + k_long_extension + "a\r\nx\r\n";
  EXPECT_EQ(decode(bytes + "0\r\n\r\n", {bytes.size() + 5}),
            std::string(64, 'x') + ", done " + std::to_string(bytes.size() + 5));
  EXPECT_EQ(decode(bytes + "1;a\r\nx\r\n", {bytes.size() + 8}), std::string(64, 'x') + ", refused");
}

}  // namespace
}  // namespace cr::http::message
