// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <sodium.h>

#include <utility>

namespace cr::base {

void wipe(void* data, std::size_t size) {
  sodium_memzero(data, size);
}

void wipe(std::string& text) {
  // Up to the capacity: a moved-from short string still has its bytes behind its new end. Never reallocates.
  text.resize(text.capacity());  // NOLINT(clang-analyzer-cplusplus.Move): what a move left is what is wiped
  sodium_memzero(text.data(), text.size());
  text.clear();
}

Secret::Secret(std::string&& text) : text_(std::move(text)) {
  wipe(text);
}

Secret::Secret(std::string_view text) : text_(text) {}

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
  wipe(other.text_);
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(text_);
    text_ = std::move(other.text_);
    wipe(other.text_);
  }
  return *this;
}

Secret::~Secret() {
  wipe(text_);
}

}  // namespace cr::base
