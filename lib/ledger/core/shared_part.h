// SPDX-License-Identifier: MIT
// Parts of a Directory that its versions share. Ledger thread only.
#pragma once

#include <memory>

namespace cr::ledger {

// Ours alone if nobody else points at it: a published version holds every part of it, so a count of one was never seen
// by another thread.
template <class T>
T& own(std::shared_ptr<T>& part) {
  if (!part) {
    part = std::make_shared<T>();
  } else if (part.use_count() != 1) {
    part = std::make_shared<T>(*part);
  }
  return *part;
}

}  // namespace cr::ledger
