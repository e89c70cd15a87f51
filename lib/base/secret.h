// SPDX-License-Identifier: MIT
// Secret: text that is wiped when it dies, cannot be copied by accident and cannot be printed or logged.
#pragma once

#include <string>
#include <string_view>

namespace cr::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string&& text);  // wipes what it was moved from
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The one way to the text; the word at the call site is what a review looks for.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }
  Secret clone() const { return Secret(std::string_view(text_)); }

 private:
  std::string text_;
};

// Overwrites `size` bytes in a way the compiler keeps.
void wipe(void* data, std::size_t size);
void wipe(std::string& text);  // and clears it

}  // namespace cr::base
