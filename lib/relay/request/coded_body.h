// SPDX-License-Identifier: MIT
// CodedBody: where a request's body is in being decompressed as it comes. One request each; worker thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dialect/refusal.h"
#include "http/coding/decoder.h"
#include "http/message/head.h"

namespace cr::relay::request {

struct CodedBody {
  explicit CodedBody(http::coding::ContentCoding coding) : decoder(http::coding::Decoder::make(coding)) {}

  // What is held of memory for a body of which so much is decoded: that, and the decoder's window.
  std::uint64_t held_bytes() const { return decoded + std::min(decoded, http::coding::Decoder::k_own_bytes_max); }

  std::unique_ptr<http::coding::Decoder> decoder;
  std::uint64_t received = 0;  // as it came
  std::uint64_t decoded = 0;
  std::array<char, std::size_t{16} * 1024> room;  // of what was decoded last
};

// Of a message with these fields: several are one list (RFC 9110, 5.3).
std::string content_encoding(const std::vector<http::message::Field>& fields);

// By the Content-Encoding of `head`; null where there is none. A refusal: it is not one that is read here.
dialect::RefusalOr<std::unique_ptr<CodedBody>> read_coding(const http::message::RequestHead& head);

}  // namespace cr::relay::request
