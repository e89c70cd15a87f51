// SPDX-License-Identifier: MIT
#include "http/coding/decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>

namespace cr::http::coding {

namespace {

constexpr int k_window_bits = 15;
constexpr int k_gzip = 16;                 // added to the window's bits: a gzip header is expected
constexpr int k_zstd_window_log_max = 23;  // 8 MiB: RFC 9659, section 3
constexpr std::uint64_t k_bomb_bytes_min = std::uint64_t{1} << 20;
constexpr std::uint64_t k_bomb_ratio = 100;

class ZlibDecoder : public Decoder {
 public:
  explicit ZlibDecoder(ContentCoding coding) : coding_(coding) {
    if (inflateInit2(&stream_, coding == ContentCoding::gzip ? k_window_bits + k_gzip : k_window_bits) != Z_OK)
      throw std::bad_alloc();
  }
  ~ZlibDecoder() override { inflateEnd(&stream_); }
  ZlibDecoder(const ZlibDecoder&) = delete;
  ZlibDecoder& operator=(const ZlibDecoder&) = delete;

  DecodeState decode(std::string_view& in, char* out, std::size_t size, std::size_t& written) override {
    written = 0;
    while (!in.empty() || filled_) {
      if (whole_ && !begin_member(in)) return in.empty() ? DecodeState::wants_input : DecodeState::garbage;
      if (!begun_ && !in.empty()) begin(in.front());
      if (written == size) return DecodeState::wants_room;
      const int result = inflate_some(in, out + written, size - written, written);
      if (result == Z_STREAM_END) {
        whole_ = true;
      } else if (result == Z_BUF_ERROR) {
        break;  // neither input nor anything left inside
      } else if (result != Z_OK) {
        return DecodeState::garbage;
      }
    }
    return written == size && filled_ ? DecodeState::wants_room : DecodeState::wants_input;
  }
  bool is_whole() const override { return whole_; }

 private:
  // The zlib format's first byte names its method, 8 (RFC 1950, 2.2). No encoder begins a bare stream so.
  void begin(char first) {
    begun_ = true;
    const bool bare = coding_ == ContentCoding::deflate && (static_cast<unsigned char>(first) & 0x0f) != 8;
    if (bare) (void)inflateReset2(&stream_, -k_window_bits);
  }

  // After a gzip member another may come; after the others nothing.
  bool begin_member(std::string_view in) {
    filled_ = false;
    if (in.empty() || coding_ != ContentCoding::gzip) return false;
    whole_ = false;
    return inflateReset(&stream_) == Z_OK;
  }

  int inflate_some(std::string_view& in, char* out, std::size_t size, std::size_t& written) {
    constexpr std::size_t k_most = std::numeric_limits<uInt>::max();
    const auto given = static_cast<uInt>(std::min(in.size(), k_most));
    const auto room = static_cast<uInt>(std::min(size, k_most));
    // zlib reads through it only; its interface says so where ZLIB_CONST is defined.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // NOLINT
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = room;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(given - stream_.avail_in);
    written += room - stream_.avail_out;
    filled_ = stream_.avail_out == 0;  // there may be more inside
    return result;
  }

  ContentCoding coding_;
  z_stream stream_{};
  bool begun_ = false, whole_ = false, filled_ = false;
};

class ZstdDecoder : public Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, k_zstd_window_log_max);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  DecodeState decode(std::string_view& in, char* out, std::size_t size, std::size_t& written) override {
    written = 0;
    while (!in.empty() || filled_) {
      if (written == size) return DecodeState::wants_room;
      if (between_frames_ && !begins_frame(in.front())) return DecodeState::garbage;
      ZSTD_inBuffer input{in.data(), in.size(), 0};
      ZSTD_outBuffer output{out + written, size - written, 0};
      const auto result = ZSTD_decompressStream(stream_, &output, &input);
      if (ZSTD_isError(result) != 0) return DecodeState::garbage;
      in.remove_prefix(input.pos);
      written += output.pos;
      between_frames_ = whole_ = result == 0;
      filled_ = !whole_ && output.pos == output.size;
    }
    return DecodeState::wants_input;
  }
  bool is_whole() const override { return whole_; }

 private:
  // A frame or a skippable one (RFC 8878, 3.1). The library would take the formats from before the standard too, whose
  // magic numbers differ in this byte.
  static bool begins_frame(char first) {
    const auto byte = static_cast<unsigned char>(first);
    return byte == 0x28 || (byte & 0xf0) == 0x50;
  }

  ZSTD_DStream* stream_;
  bool between_frames_ = true, whole_ = false, filled_ = false;
};

class BrotliDecoder : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;

  DecodeState decode(std::string_view& in, char* out, std::size_t size, std::size_t& written) override {
    written = 0;
    if (is_whole()) return in.empty() ? DecodeState::wants_input : DecodeState::garbage;
    auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out);
    std::size_t left = in.size(), room = size;
    const auto result = BrotliDecoderDecompressStream(state_, &left, &next_in, &room, &next_out, nullptr);
    in.remove_prefix(in.size() - left);
    written = size - room;
    switch (result) {
      case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return DecodeState::wants_room;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return DecodeState::wants_input;
      case BROTLI_DECODER_RESULT_SUCCESS:
        return in.empty() ? DecodeState::wants_input : DecodeState::garbage;
      default:
        return DecodeState::garbage;
    }
  }
  bool is_whole() const override { return BrotliDecoderIsFinished(state_) != 0; }

 private:
  BrotliDecoderState* state_;
};

}  // namespace

std::unique_ptr<Decoder> Decoder::make(ContentCoding coding) {
  if (coding == ContentCoding::zstd) return std::make_unique<ZstdDecoder>();
  if (coding == ContentCoding::br) return std::make_unique<BrotliDecoder>();
  return std::make_unique<ZlibDecoder>(coding);
}

bool is_bomb(std::uint64_t coded_bytes, std::uint64_t decoded_bytes) {
  return decoded_bytes > k_bomb_bytes_min && decoded_bytes / k_bomb_ratio > coded_bytes;
}

}  // namespace cr::http::coding
