// SPDX-License-Identifier: MIT
// What a fuzzer does when a property does not hold: says which, and dies, so that the input is kept.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CR_CHECK(property)                                                               \
  do {                                                                                   \
    if (!(property)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
