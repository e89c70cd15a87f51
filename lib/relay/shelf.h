// SPDX-License-Identifier: MIT
// Shelved: what derives from it is made once for each request, and is too large for what malloc keeps at hand: a
// thread's last ones are used again. All objects of a program that derive from it are of one class.
#pragma once

#include <cstddef>

namespace cr::relay {

struct Shelved {
  static void* operator new(std::size_t size);
  static void operator delete(void* place);
};

}  // namespace cr::relay
