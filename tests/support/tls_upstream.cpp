// SPDX-License-Identifier: MIT
#include "support/tls_upstream.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace cr::test {

namespace {

using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr std::string_view k_body =
    R"({"id":"x","object":"chat.completion","model":"net-a","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";

Bio bio_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

std::unique_ptr<X509, decltype(&X509_free)> cert_of(const std::string& pem) {
  const auto in = bio_of(pem);
  return {PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free};
}

std::size_t length_in(const std::string& head) {
  constexpr std::string_view k_field = "content-length: ";
  const auto at = head.find(k_field);
  std::size_t length = 0;
  if (at == std::string::npos) return 0;
  std::from_chars(head.data() + at + k_field.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

std::string plain_answer() {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
         std::to_string(k_body.size()) + "\r\n\r\n" + std::string(k_body);
}

struct TlsUpstream::Context {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
};

TlsUpstream::TlsUpstream(TlsUpstreamOptions options)
    : options_(std::move(options)), context_(std::make_unique<Context>()) {
  auto* tls = context_->tls.get();
  const auto cert = cert_of(options_.certificate.cert_pem());
  const auto key_text = options_.certificate.key_pem();
  const auto in = bio_of(key_text);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (SSL_CTX_use_certificate(tls, cert.get()) != 1 || SSL_CTX_use_PrivateKey(tls, key.get()) != 1) {
    throw std::runtime_error("the fake provider's certificate is not usable");
  }
  if (options_.tls_1_0_only) {
    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, TLS1_VERSION);
  }
  if (options_.client_authority) {
    const auto authority = cert_of(*options_.client_authority);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), authority.get());
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  listener_ = std::make_unique<TcpListener>([this](int fd) { serve(fd); });
}

TlsUpstream::~TlsUpstream() {
  listener_.reset();
}

std::string TlsUpstream::client_name() const {
  const std::lock_guard lock(mutex_);
  return client_name_;
}
std::string TlsUpstream::last_head() const {
  const std::lock_guard lock(mutex_);
  return last_head_;
}
std::string TlsUpstream::last_body() const {
  const std::lock_guard lock(mutex_);
  return last_body_;
}

void TlsUpstream::serve(int fd) {
  ++connections_;
  char bytes[16 * 1024];
  if (options_.stalls) {
    while (::recv(fd, bytes, sizeof bytes, 0) > 0) continue;
    return;
  }
  const Ssl tls(SSL_new(context_->tls.get()), &SSL_free);
  SSL_set_fd(tls.get(), fd);
  if (SSL_accept(tls.get()) != 1) {
    ERR_clear_error();
    return;
  }
  std::string request;
  std::size_t wanted = std::string::npos;
  while (request.size() < wanted) {
    const int got = SSL_read(tls.get(), bytes, sizeof bytes);
    if (got <= 0) return;
    bytes_seen_ += static_cast<std::size_t>(got);
    request.append(bytes, static_cast<std::size_t>(got));
    const auto end = wanted == std::string::npos ? request.find("\r\n\r\n") : std::string::npos;
    if (end != std::string::npos) wanted = end + 4 + length_in(request);
  }
  {
    const std::lock_guard lock(mutex_);
    const auto head_end = request.find("\r\n\r\n");
    last_head_ = request.substr(0, head_end + 2);
    last_body_ = request.substr(head_end + 4);
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(tls.get()), &X509_free);
    char name[256] = "";
    if (peer) X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof name);
    client_name_ = name;
  }
  auto answer = plain_answer();
  // Without a length the end of the connection is the end of the body: only close_notify tells it from a cut.
  if (options_.cuts_the_body) {
    answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + std::string(k_body.substr(0, 40));
  }
  SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
  if (!options_.cuts_the_body) SSL_shutdown(tls.get());
}

}  // namespace cr::test
