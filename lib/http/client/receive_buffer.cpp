// SPDX-License-Identifier: MIT
#include "http/client/receive_buffer.h"

#include <cstring>

namespace cr::http::client {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{16} * 1024;

}  // namespace

std::span<char> ReceiveBuffer::make_room() {
  if (empty()) clear();
  if (end_ == capacity_) {
    const auto used = end_ - begin_;
    if (used < capacity_) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, used);
    } else {
      const auto wanted = capacity_ == 0 ? k_buffer_bytes : capacity_ * 2;
      std::unique_ptr<char[]> larger(new char[wanted]);
      if (used > 0) std::memcpy(larger.get(), bytes_.get() + begin_, used);
      bytes_ = std::move(larger);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = used;
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

void ReceiveBuffer::filled(std::size_t bytes) {
  end_ += bytes;
  was_full_ = end_ == capacity_;
}

}  // namespace cr::http::client
