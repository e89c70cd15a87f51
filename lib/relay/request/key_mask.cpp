// SPDX-License-Identifier: MIT
#include "relay/request/key_mask.h"

namespace cr::relay::request {

std::optional<std::string> KeyMask::hide(std::string_view text) const {
  std::optional<std::string> hidden;
  for (const auto& secret : keys_) {
    const auto key = secret->reveal();
    if (key.empty()) continue;
    for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + key.size())) {
      if (!hidden) hidden.emplace(text);
      hidden->replace(at, key.size(), key.size(), '*');
    }
  }
  return hidden;
}

}  // namespace cr::relay::request
