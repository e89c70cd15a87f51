// SPDX-License-Identifier: MIT
// BodyFraming: where one request's body ends in what its client sends (RFC 9112, 6.3), and how far it has been read.
// The only record of that: an empty buffer says nothing about it. Pure; one request each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "http/message/chunked.h"
#include "http/message/head.h"

namespace cr::http::message {

class BodyFraming {
 public:
  BodyFraming() = default;  // no body: it has ended
  explicit BodyFraming(const RequestHead& head);

  // Every byte of the body, trailers and last chunk too, has been taken.
  bool ended() const { return ended_; }
  bool malformed() const { return malformed_; }  // its chunked coding is: nobody can tell any more where it ends
  bool chunked() const { return chunked_; }
  std::uint64_t left() const { return left_; }  // of a body with a length, still to be taken

  struct Taken {
    std::size_t raw = 0;   // bytes that belong to the body, from the first on; what follows is the next request's
    std::size_t size = 0;  // of the content they hold, which now begins at the first
  };
  // Takes the body's next bytes from `bytes`, as many as are its own, and undoes their coding in place.
  Taken take(char* bytes, std::size_t size);
  // The same of a body with a length whose bytes went elsewhere; at most left().
  void took(std::uint64_t bytes);

 private:
  Taken take_chunks(char* bytes, std::size_t size);

  ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;
  bool chunked_ = false;
  bool ended_ = true;
  bool malformed_ = false;
};

}  // namespace cr::http::message
