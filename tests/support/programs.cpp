// SPDX-License-Identifier: MIT
#include "support/programs.h"

#include <cstdlib>

namespace cr::test {
namespace {

std::string environment_or(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::string program(const std::string& path) {
  return environment_or("CR_TEST_BUILD", CR_TEST_OWN_BUILD) + "/" + path;
}

}  // namespace

// CR_TEST_CRD=FILE, CR_TEST_CRCTL=FILE: others, for a test that has programs of its own.
std::string crd_program() {
  return environment_or("CR_TEST_CRD", program("apps/crd/crd").c_str());
}

std::string crctl_program() {
  return environment_or("CR_TEST_CRCTL", program("apps/crctl/crctl").c_str());
}

std::string sanitizer_library() {
  return environment_or("CR_TEST_SANITIZER", CR_TEST_OWN_SANITIZER);
}

}  // namespace cr::test
