// SPDX-License-Identifier: MIT
// ReceiveBuffer: bytes that were received and not taken yet, in the order of the wire, in one block that grows as far
// as something waits in it. Views into it hold until room is made. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace cr::http::client {

class ReceiveBuffer {
 public:
  std::string_view waiting() const { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void take(std::size_t bytes) { begin_ += bytes; }  // of what waits
  void clear() { begin_ = end_ = 0; }

  // Room behind what waits, at least a byte, and then how much of it was filled.
  std::span<char> make_room();
  void filled(std::size_t bytes);
  // The last read filled its room: there may be more where it came from.
  bool was_full() const { return was_full_; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool was_full_ = false;
};

}  // namespace cr::http::client
