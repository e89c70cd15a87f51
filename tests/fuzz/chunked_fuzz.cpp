// SPDX-License-Identifier: MIT
// Chunked bodies: the decoder's result is the same however the bytes are cut, is what a second decoder written from the
// grammar (RFC 9112, 7.1) says, and what was encoded comes out again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "check.h"
#include "http/message/chunked.h"
#include "http/message/head_fields.h"

namespace {

using namespace cr::http::message;

struct Decoded {
  ChunkState state = ChunkState::need_more;
  std::size_t consumed = 0;
  std::string data;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded out;
  while (!bytes.empty()) {
    std::string_view input = bytes.substr(0, piece);
    bytes.remove_prefix(input.size());
    while (!input.empty()) {
      const auto step = decoder.step(input);
      CR_CHECK(step.consumed <= input.size() && (step.state == ChunkState::data) == !step.data.empty());
      CR_CHECK(step.consumed > 0 || step.state == ChunkState::done || step.state == ChunkState::refused);
      CR_CHECK((step.state == ChunkState::done) == decoder.done());
      out.state = step.state == ChunkState::data ? ChunkState::need_more : step.state;
      out.consumed += step.consumed;
      out.data.append(step.data);
      if (out.state != ChunkState::need_more) return out;
      input.remove_prefix(step.consumed);
    }
  }
  return out;
}

// The grammar once more, over the whole text, without any state between bytes: how a body that is accepted must look.
class Grammar {
 public:
  explicit Grammar(std::string_view text) : rest_(text) {}

  bool body() {
    for (;;) {
      std::uint64_t size = 0;
      if (!chunk_line(size)) return false;
      if (size == 0) break;
      if (rest_.size() < size) return false;
      data_.append(rest_.substr(0, size));
      rest_.remove_prefix(size);
      if (!take("\r\n")) return false;
    }
    for (int lines = 0; !take("\r\n"); ++lines) {
      if (lines == 32 || !trailer()) return false;
    }
    return true;
  }
  const std::string& data() const { return data_; }
  std::size_t left() const { return rest_.size(); }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool chunk_line(std::uint64_t& size) {
    const auto line = rest_.substr(0, rest_.find('\r'));
    rest_.remove_prefix(line.size());
    if (!take("\r\n")) return false;
    const auto digits = line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF"));
    if (digits.empty() || digits.size() > 16) return false;
    size = std::stoull(std::string(digits), nullptr, 16);
    if (size > static_cast<std::uint64_t>(INT64_MAX)) return false;
    const auto extensions = line.substr(digits.size());
    if (extensions.empty()) return true;
    return extensions.front() == ';' && extensions.size() <= 257 &&
           std::all_of(extensions.begin(), extensions.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
  }

  bool trailer() {
    const auto line = rest_.substr(0, rest_.find('\r'));
    rest_.remove_prefix(line.size());
    const auto colon = line.find(':');
    const auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    return take("\r\n") && colon != line.npos && is_token(line.substr(0, colon)) && line.size() <= 8192 &&
           std::all_of(value.begin(), value.end(),
                       [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7F); });
  }

  std::string_view rest_;
  std::string data_;
};

// A first line that is only a size is taken exactly where it has a size's length and value: before any of its data
// came.
void check_size(std::string_view bytes, std::size_t piece) {
  const auto line = bytes.substr(0, bytes.find_first_not_of("0123456789abcdefABCDEF"));
  if (line.empty() || !bytes.substr(line.size()).starts_with("\r\n")) return;
  const bool fits =
      line.size() <= 16 && std::stoull(std::string(line), nullptr, 16) <= static_cast<std::uint64_t>(INT64_MAX);
  CR_CHECK((decode(bytes.substr(0, line.size() + 2), piece).state != ChunkState::refused) == fits);
}

std::string encode(std::string_view data, std::size_t chunk) {
  std::string text;
  while (!data.empty()) {
    const auto piece = data.substr(0, chunk);
    data.remove_prefix(piece.size());
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    text.append(size).append(piece).append("\r\n");
  }
  return text + "0\r\n\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 64 + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = decode(bytes, bytes.size() + 1);
  CR_CHECK(whole == decode(bytes, piece));
  CR_CHECK(whole == decode(bytes, 1));
  check_size(bytes, piece);
  if (whole.state == ChunkState::done) {
    Grammar grammar(bytes);
    CR_CHECK(grammar.body() && grammar.data() == whole.data && bytes.size() - grammar.left() == whole.consumed);
  }

  const auto text = encode(bytes, piece);
  const auto back = decode(text + "GET", piece);
  CR_CHECK(back.state == ChunkState::done && back.consumed == text.size() && back.data == bytes);
  return 0;
}
