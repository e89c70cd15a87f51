// SPDX-License-Identifier: MIT
// Certificates for tests: self-signed, so that one file is the server's chain and what its clients trust. PEM text.
#pragma once

#include <chrono>
#include <string>

namespace cr::test {

struct SelfSigned {
  enum class Key { ecdsa, rsa, weak_rsa };
  std::string cert;  // for localhost, 127.0.0.1 and ::1
  std::string key;   // PKCS #8
  // Throws std::runtime_error. `valid_for` from a day ago on; negative: it has expired.
  static SelfSigned make(Key kind = Key::ecdsa, std::chrono::hours valid_for = std::chrono::hours(24 * 90));
};

}  // namespace cr::test
