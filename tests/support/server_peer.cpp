// SPDX-License-Identifier: MIT
#include "support/server_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <stdexcept>

#include "support/tcp_listener.h"

namespace cr::test {

namespace {

std::unique_ptr<BIO, decltype(&BIO_free)> bio_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

}  // namespace

std::shared_ptr<SSL_CTX> ServerPeer::context_of(const Certificate& certificate) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to the socket without a flag that would do
  const auto cert_text = certificate.cert_pem();
  const auto key_text = certificate.key_pem();
  const std::unique_ptr<X509, decltype(&X509_free)> cert(
      PEM_read_bio_X509(bio_of(cert_text).get(), nullptr, nullptr, nullptr), &X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio_of(key_text).get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (SSL_CTX_use_certificate(context.get(), cert.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    throw std::runtime_error("a fake's certificate is not usable");
  }
  return context;
}

ServerPeer::ServerPeer(int fd, SSL_CTX* context)
    : fd_(fd), ssl_(context == nullptr ? nullptr : SSL_new(context), [](SSL* ssl) { SSL_free(ssl); }) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (ssl_) SSL_set_fd(ssl_.get(), fd);
}

bool ServerPeer::accept() {
  ERR_clear_error();
  return !ssl_ || SSL_accept(ssl_.get()) == 1;
}

long ServerPeer::read(char* place, std::size_t size) {
  if (!ssl_) return ::recv(fd_, place, size, 0);
  ERR_clear_error();
  return SSL_read(ssl_.get(), place, static_cast<int>(size));
}

bool ServerPeer::write(const std::string& bytes) {
  if (!ssl_) return send_all(fd_, bytes);
  ERR_clear_error();
  return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

void ServerPeer::cork(bool on) const {
  const int value = on ? 1 : 0;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

bool ServerPeer::has_come(std::chrono::milliseconds within) const {
  if (ssl_ && SSL_has_pending(ssl_.get()) == 1) return true;
  pollfd probe{fd_, POLLIN, 0};
  return ::poll(&probe, 1, static_cast<int>(within.count())) > 0;
}

void ServerPeer::update_key() {
  if (ssl_ && SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1) SSL_do_handshake(ssl_.get());
}

void ServerPeer::say_goodbye() {
  ERR_clear_error();
  if (ssl_) SSL_shutdown(ssl_.get());
}

void ServerPeer::end_by_reset() const {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace cr::test
