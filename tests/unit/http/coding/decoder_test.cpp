// SPDX-License-Identifier: MIT
#include "http/coding/decoder.h"

#include <brotli/encode.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace cr::http::coding {
namespace {

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd_frame(std::string_view text, int window_log = 0) {
  auto* context = ZSTD_createCCtx();
  if (window_log != 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // Given in two steps, the encoder cannot know the size, and fit the window to it.
  if (window_log != 0) ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  while (ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  out.resize(output.pos);
  return out;
}

struct Format {
  std::string_view name;
  ContentCoding coding;
  std::string (*encode)(std::string_view);
  bool repeats;  // members or frames one after the other
};

const Format k_formats[] = {
    {"gzip", ContentCoding::gzip, [](std::string_view text) { return deflated(text, 15 + 16); }, true},
    {"deflate", ContentCoding::deflate, [](std::string_view text) { return deflated(text, 15); }, false},
    {"bare deflate", ContentCoding::deflate, [](std::string_view text) { return deflated(text, -15); }, false},
    {"zstd", ContentCoding::zstd, [](std::string_view text) { return zstd_frame(text); }, true},
};

struct Decoded {
  std::string text;
  bool garbage = false, whole = false;
};

Decoded decode(ContentCoding coding, std::string_view coded, std::size_t in_pieces, std::size_t out_pieces) {
  const auto decoder = Decoder::make(coding);
  Decoded result;
  std::string room(out_pieces, '\0');
  while (!coded.empty()) {
    auto piece = coded.substr(0, in_pieces);
    coded.remove_prefix(piece.size());
    for (auto state = DecodeState::wants_room; state == DecodeState::wants_room;) {
      std::size_t written = 0;
      state = decoder->decode(piece, room.data(), room.size(), written);
      EXPECT_LE(written, room.size());
      result.text.append(room, 0, written);
      if (state == DecodeState::garbage) {
        result.garbage = true;
        return result;
      }
    }
    EXPECT_TRUE(piece.empty());
  }
  result.whole = decoder->is_whole();
  return result;
}

std::string sample(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) {
    text += R"({"role":"user","content":")";
    for (auto count = random() % 40; count > 0; --count) text += static_cast<char>('a' + random() % 26);
    text += "\"},";
  }
  text.resize(size);
  return text;
}

TEST(Decoder, UndoesEachCodingWhateverThePieces) {
  for (const auto& format : k_formats) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{70'000}, std::size_t{300'000}}) {
      const auto text = sample(size, 7);
      const auto coded = format.encode(text);
      for (const std::size_t in : {std::size_t{1}, std::size_t{7}, std::size_t{65536}, coded.size()}) {
        if (in == 1 && size > 70'000) continue;
        for (const std::size_t out : {std::size_t{1}, std::size_t{13}, std::size_t{65536}, std::size_t{1 << 20}}) {
          if (out == 1 && size > 70'000) continue;
          const auto decoded = decode(format.coding, coded, in, out);
          ASSERT_FALSE(decoded.garbage) << format.name << " " << size << " " << in << " " << out;
          ASSERT_TRUE(decoded.whole) << format.name << " " << size << " " << in << " " << out;
          ASSERT_EQ(decoded.text, text) << format.name << " " << size << " " << in << " " << out;
        }
      }
    }
  }
}

TEST(Decoder, UndoesBrotliWhateverThePieces) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{300'000}}) {
    const auto text = sample(size, 7);
    std::string coded(BrotliEncoderMaxCompressedSize(size) + 64, '\0');
    std::size_t coded_size = coded.size();
    ASSERT_TRUE(BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, size,
                                      reinterpret_cast<const std::uint8_t*>(text.data()), &coded_size,
                                      reinterpret_cast<std::uint8_t*>(coded.data())));
    coded.resize(coded_size);
    for (const std::size_t pieces : {std::size_t{7}, std::size_t{65536}}) {
      const auto decoded = decode(ContentCoding::br, coded, pieces, 1000);
      EXPECT_TRUE(decoded.whole && !decoded.garbage);
      EXPECT_EQ(decoded.text, text);
      EXPECT_TRUE(decode(ContentCoding::br, coded + "x", pieces, 1000).garbage);
      EXPECT_FALSE(decode(ContentCoding::br, std::string_view(coded).substr(0, coded.size() - 1), pieces, 1000).whole);
    }
  }
}

TEST(Decoder, TellsWhatWasCut) {
  for (const auto& format : k_formats) {
    const auto coded = format.encode(sample(2000, 3));
    for (std::size_t size = 0; size < coded.size(); ++size) {
      const auto decoded = decode(format.coding, std::string_view(coded).substr(0, size), 50, 64);
      EXPECT_FALSE(decoded.whole || decoded.garbage) << format.name << " cut at " << size;
    }
  }
}

TEST(Decoder, TellsWhatIsNotOfItsCoding) {
  for (const auto& format : k_formats) {
    const auto coded = format.encode(sample(2000, 3));
    for (const std::size_t pieces : {std::size_t{1}, std::size_t{4096}}) {
      EXPECT_FALSE(decode(format.coding, coded + "x", pieces, 64).whole) << format.name << ": a byte behind it";
      EXPECT_TRUE(decode(format.coding, coded + std::string(4, '\0'), pieces, 64).garbage) << format.name;
      if (format.name == "bare deflate") continue;  // has no mark: nearly anything may be its beginning
      EXPECT_TRUE(decode(format.coding, R"({"model":"gpt"})", pieces, 64).garbage) << format.name << ": plain text";
    }
    for (const auto& other : k_formats) {
      if (other.coding == format.coding) continue;
      const auto decoded = decode(format.coding, other.encode("{}"), 4096, 64);
      EXPECT_TRUE(decoded.garbage || !decoded.whole) << other.name << " as " << format.name;
    }
  }
}

TEST(Decoder, TakesMembersOneAfterTheOtherWhereTheFormatHasThem) {
  for (const auto& format : k_formats) {
    const auto coded = format.encode("one") + format.encode("") + format.encode("two");
    for (const std::size_t pieces : {std::size_t{1}, std::size_t{5}, std::size_t{4096}}) {
      const auto decoded = decode(format.coding, coded, pieces, 2);
      EXPECT_EQ(decoded.garbage, !format.repeats) << format.name;
      if (!format.repeats) continue;
      EXPECT_TRUE(decoded.whole) << format.name;
      EXPECT_EQ(decoded.text, "onetwo") << format.name;
    }
  }
}

TEST(Decoder, RefusesZstdFromBeforeItsStandard) {
  for (const std::size_t pieces : {std::size_t{1}, std::size_t{100}}) {
    const auto frame = zstd_frame("{}");
    for (const char first : {'\x1e', '\x22', '\x23', '\x24', '\x25', '\x26', '\x27'}) {
      auto old = frame;
      old[0] = first;
      EXPECT_TRUE(decode(ContentCoding::zstd, old, pieces, 64).garbage);
      EXPECT_TRUE(decode(ContentCoding::zstd, frame + old, pieces, 64).garbage);
    }
    const auto skippable = std::string("\x5a\x2a\x4d\x18\x03\0\0\0abc", 11);
    EXPECT_EQ(decode(ContentCoding::zstd, skippable + frame + skippable, pieces, 64).text, "{}");
  }
}

// A changed byte is noticed where the format has a checksum; never anything worse.
TEST(Decoder, BearsDamage) {
  for (const auto& format : k_formats) {
    const auto text = sample(3000, 11);
    const auto coded = format.encode(text);
    std::mt19937 random(5);
    for (int round = 0; round < 500; ++round) {
      auto damaged = coded;
      auto& byte = damaged[random() % damaged.size()];
      byte = static_cast<char>(byte ^ static_cast<char>(1 + random() % 255));
      const auto decoded = decode(format.coding, damaged, 1 + random() % 100, 256);
      const bool checked = format.name == "gzip" || format.name == "deflate";
      if (checked && decoded.whole) {
        EXPECT_EQ(decoded.text, text) << format.name;
      }
    }
  }
}

TEST(Decoder, AllowsAZstdWindowOfEightMebibytesAndNoLarger) {
  const auto text = sample(40'000, 1);
  EXPECT_TRUE(decode(ContentCoding::zstd, zstd_frame(text, 23), 4096, 4096).whole);
  EXPECT_TRUE(decode(ContentCoding::zstd, zstd_frame(text, 24), 4096, 4096).garbage);
}

TEST(Decoder, ABombIsOverAMebibyteAndAHundredTimesItsSize) {
  EXPECT_FALSE(is_bomb(1, 1 << 20));
  EXPECT_TRUE(is_bomb(1, (1 << 20) + 1));
  EXPECT_FALSE(is_bomb(20'000, 2'000'000));
  EXPECT_TRUE(is_bomb(20'000, 2'000'100));
  // A step of it is all that it gets to write.
  const auto coded = deflated(std::string(16 << 20, ' '), 15 + 16);
  const auto decoder = Decoder::make(ContentCoding::gzip);
  std::string_view rest = coded;
  std::array<char, 65536> room;
  std::uint64_t total = 0;
  while (!is_bomb(coded.size() - rest.size(), total)) {
    std::size_t written = 0;
    ASSERT_EQ(decoder->decode(rest, room.data(), room.size(), written), DecodeState::wants_room);
    total += written;
  }
  EXPECT_LE(total, 3u << 20);
}

}  // namespace
}  // namespace cr::http::coding
