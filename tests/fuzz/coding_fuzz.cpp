// SPDX-License-Identifier: MIT
// Content codings: whatever comes is decoded the same however it and the room for it are cut, or refused; and no step
// writes more than it was given.
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "http/coding/decoder.h"

namespace {

using namespace cr::http::coding;

struct Read {
  std::string text;
  bool garbage = false, whole = false;
};

Read read(ContentCoding coding, std::string_view coded, std::size_t in_pieces, std::size_t out_pieces) {
  const auto decoder = Decoder::make(coding);
  const auto size = coded.size();
  Read out;
  std::string room(out_pieces, '\0');
  while (!coded.empty() && !out.garbage) {
    auto piece = coded.substr(0, in_pieces);
    coded.remove_prefix(piece.size());
    for (auto state = DecodeState::wants_room; state == DecodeState::wants_room;) {
      std::size_t written = 0;
      state = decoder->decode(piece, room.data(), room.size(), written);
      CR_CHECK(written <= room.size());
      CR_CHECK(state != DecodeState::wants_room || written == room.size());
      CR_CHECK(state != DecodeState::wants_input || piece.empty());
      out.text.append(room, 0, written);
      out.garbage = state == DecodeState::garbage || is_bomb(size, out.text.size());
      if (out.garbage) break;
    }
  }
  out.whole = !out.garbage && decoder->is_whole();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr ContentCoding k_codings[] = {ContentCoding::gzip, ContentCoding::deflate, ContentCoding::zstd};
  const auto coding = k_codings[data[0] % 3];
  const std::string_view coded(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto one = read(coding, coded, coded.size(), 65536);
  const auto other = read(coding, coded, 1 + data[0] / 3, 1 + data[0]);
  CR_CHECK(one.garbage == other.garbage);
  CR_CHECK(one.whole == other.whole);
  CR_CHECK(one.garbage || one.text == other.text);
  return 0;
}
