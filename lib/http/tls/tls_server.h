// SPDX-License-Identifier: MIT
// TlsServer: what a public listener proves itself with: a certificate chain, its key, and the terms of a handshake. TLS
// 1.2 and 1.3, AEAD with forward secrecy only. Read from disk by the main or an admin thread; immutable then, any
// thread. Connections keep the one they began with; its tickets are good with it alone, so a reload ends them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace cr::http::tls {

struct ServerTlsFiles {
  std::string cert;  // PEM: the server's certificate, then those that lead from it to a root
  std::string key;   // PEM, without a passphrase
  bool empty() const { return cert.empty(); }
};

class TlsServer {
 public:
  // `invalid`, naming the file and the way out: it cannot be read, is over 1 MiB, holds no certificate or no key, an
  // encrypted or a weak one, or the two do not belong together.
  static base::Result<std::shared_ptr<const TlsServer>> load(const ServerTlsFiles& files, base::Time now);

  // What works, but not for long or not safely: an expired certificate, a key others can read. A sentence each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::string& names() const { return names_; }  // of the certificate, for the log: "llm.example.org, 192.0.2.1"
  base::Time expires() const { return expires_; }
  ssl_ctx_st* context() const { return context_.get(); }

 private:
  TlsServer() = default;
  base::Result<void> use_terms();
  base::Result<void> use_chain(const std::string& path, base::Time now);
  base::Result<void> use_key(const ServerTlsFiles& files);

  std::shared_ptr<ssl_ctx_st> context_;
  std::vector<std::string> warnings_;
  std::string names_;
  base::Time expires_;
};

}  // namespace cr::http::tls
