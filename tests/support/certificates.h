// SPDX-License-Identifier: MIT
// Certificates made by the test that needs them: an authority, and what it or nobody has signed. PEM files in a folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace cr::test {

struct CertificateOptions {
  std::string common_name = "test";
  std::vector<std::string> names{};    // subjectAltName: "DNS:a.example", "IP:127.0.0.1"
  std::chrono::seconds begins{-3600};  // from now
  std::chrono::seconds ends{3600};
  bool is_authority = false;
};

// A certificate with its key. Throws std::runtime_error with OpenSSL's words.
class Certificate {
 public:
  static Certificate self_signed(const CertificateOptions& options);
  Certificate issue(const CertificateOptions& options) const;

  std::string cert_pem() const;
  std::string key_pem() const;

 private:
  struct Parts;
  explicit Certificate(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
  static Certificate make(const CertificateOptions& options, const Certificate* issuer);
  std::shared_ptr<Parts> parts_;
};

}  // namespace cr::test
