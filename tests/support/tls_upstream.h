// SPDX-License-Identifier: MIT
// TlsUpstream: a provider over TLS that can be told what to do wrong. Counts what it saw of requests: a certificate
// that was refused must have kept all of them from it. Threads of its own.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "support/certificates.h"
#include "support/tcp_listener.h"

namespace cr::test {

struct TlsUpstreamOptions {
  Certificate certificate;
  std::optional<std::string> client_authority{};  // PEM: who has no certificate of it is refused
  bool tls_1_0_only = false;
  bool stalls = false;         // takes the connection, and never says a word
  bool cuts_the_body = false;  // half of the answer, and then the end without close_notify
};

class TlsUpstream {
 public:
  explicit TlsUpstream(TlsUpstreamOptions options);
  ~TlsUpstream();
  TlsUpstream(const TlsUpstream&) = delete;
  TlsUpstream& operator=(const TlsUpstream&) = delete;

  int port() const { return listener_->port(); }
  std::size_t bytes_seen() const { return bytes_seen_; }  // of requests
  std::size_t connections() const { return connections_; }
  std::string client_name() const;  // of the certificate last shown; empty = none
  std::string last_head() const;    // of a whole request
  std::string last_body() const;

 private:
  struct Context;
  void serve(int fd);

  const TlsUpstreamOptions options_;
  std::unique_ptr<Context> context_;
  std::atomic<std::size_t> bytes_seen_{0}, connections_{0};
  mutable std::mutex mutex_;
  std::string client_name_, last_head_, last_body_;
  std::unique_ptr<TcpListener> listener_;
};

// A chat completion of 10 model tokens in and 20 out.
std::string plain_answer();

}  // namespace cr::test
