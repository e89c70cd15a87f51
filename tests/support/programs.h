// SPDX-License-Identifier: MIT
// The programs under test: those built beside the tests, or with CR_TEST_BUILD=DIR in the environment those of another
// build: tests that only drive programs need not be compiled again for each sanitizer. Any thread.
#pragma once

#include <string>

namespace cr::test {

std::string crd_program();
std::string crctl_program();

// What a sanitized program wants to be loaded first, before a shim: CR_TEST_SANITIZER, or that of this build; may be
// empty.
std::string sanitizer_library();
// Several times slower than others: fewer rounds say as much.
inline bool is_sanitized() {
  return !sanitizer_library().empty();
}

}  // namespace cr::test
