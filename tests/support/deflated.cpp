// SPDX-License-Identifier: MIT
#include "support/deflated.h"

#include <zlib.h>

#include <stdexcept>

namespace cr::test {
namespace {

constexpr int k_window_bits = 15;
constexpr int k_gzip = 16;  // added to them: a gzip head and tail instead of zlib's

std::string coded(std::string_view text, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2 failed");
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) throw std::runtime_error("deflate failed");
  return out;
}

}  // namespace

std::string gzip(std::string_view text) {
  return coded(text, k_window_bits + k_gzip);
}

std::string deflated(std::string_view text) {
  return coded(text, k_window_bits);
}

}  // namespace cr::test
