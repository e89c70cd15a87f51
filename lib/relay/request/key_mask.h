// SPDX-License-Identifier: MIT
// KeyMask: keeps a channel's keys out of the errors that a provider answers with and that pass to a client: some quote
// the credential they refuse. Worker thread; the keys outlive it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace cr::relay::request {

class KeyMask {
 public:
  KeyMask() = default;  // of nothing
  explicit KeyMask(std::span<const std::shared_ptr<const base::Secret>> keys) : keys_(keys) {}

  // `text` with each of the keys in it written over by as many asterisks, so that its length is the same. None where
  // there is nothing to hide.
  std::optional<std::string> hide(std::string_view text) const;

 private:
  std::span<const std::shared_ptr<const base::Secret>> keys_;
};

}  // namespace cr::relay::request
