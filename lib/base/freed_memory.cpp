// SPDX-License-Identifier: MIT
#include "base/freed_memory.h"

#include <malloc.h>

#include <cstddef>

// Not there where the program is not linked with jemalloc: tests, and builds under a sanitizer, which has its own.
extern "C" int mallctl(const char* name, void* old, std::size_t* old_size, void* given, std::size_t given_size)
    __attribute__((weak));

namespace cr::base {

void return_freed_memory() {
  if (mallctl == nullptr) {
    ::malloc_trim(0);
    return;
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
}

}  // namespace cr::base
