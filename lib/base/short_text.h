// SPDX-License-Identifier: MIT
// ShortText: a text of a few bytes in place, without a pointer or an allocation: for what there are millions of. Plain
// value; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <string_view>

namespace cr::base {

// At most `most` bytes; what is longer is cut.
template <std::size_t most>
class ShortText {
  static_assert(most <= 255, "its size is one byte");

 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) : size_(static_cast<std::uint8_t>(std::min(text.size(), most))) {
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  // Good as long as this is.
  std::string_view view() const { return {bytes_.data(), size_}; }

  bool operator==(const ShortText&) const = default;
  friend bool operator==(const ShortText& a, std::string_view b) { return a.view() == b; }
  friend std::ostream& operator<<(std::ostream& out, const ShortText& text) { return out << text.view(); }

 private:
  std::uint8_t size_ = 0;
  std::array<char, most> bytes_{};
};

}  // namespace cr::base
