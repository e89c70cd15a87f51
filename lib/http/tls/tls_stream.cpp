// SPDX-License-Identifier: MIT
#include "http/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <new>
#include <utility>

#include "base/address.h"
#include "base/secret.h"

namespace cr::http::tls {

namespace {

constexpr std::size_t k_record_bytes_max = std::size_t{16} * 1024;  // RFC 8446, 5.1

bool is_another_protocol(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  const int reason = ERR_GET_REASON(error);
  return reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_WRONG_VERSION_NUMBER;
}

}  // namespace

TlsStream::TlsStream(const TlsServer& server, int fd)
    : ssl_(SSL_new(server.context()), [](SSL* ssl) { SSL_free(ssl); }) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

TlsStream::TlsStream(SSL_CTX* context, int fd, const std::string& host)
    : ssl_(SSL_new(context), [](SSL* ssl) { SSL_free(ssl); }), secret_(true) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd) != 1) throw std::bad_alloc();
  auto* ssl = ssl_.get();
  SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(ssl, 1);  // one read for a record's head and body
  const bool is_address = base::IpAddress::parse(host).has_value();
  const bool set = is_address
                       ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1
                       // SNI carries names only (RFC 6066, section 3).
                       : SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  failed_ = !set;  // then there is nothing that the peer could prove
  SSL_set_connect_state(ssl);
}

TlsStream::~TlsStream() {
  if (secret_) base::wipe(unsent_);
}

std::string TlsStream::why_not() const {
  if (!is_trusted()) return X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? "the connection was closed" : reason;
}

TlsStep TlsStream::step_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return TlsStep::done;
    case SSL_ERROR_WANT_READ:
      return TlsStep::want_read;
    case SSL_ERROR_WANT_WRITE:
      return TlsStep::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return TlsStep::closed;
    default:
      failed_ = true;
      return is_another_protocol(ERR_peek_error()) ? TlsStep::not_tls : TlsStep::closed;
  }
}

TlsStep TlsStream::shake_hands() {
  if (failed_) return TlsStep::closed;
  ERR_clear_error();
  return step_of(SSL_do_handshake(ssl_.get()));
}

TlsStep TlsStream::read(char* place, std::size_t size, std::size_t& got) {
  got = 0;
  if (failed_) return TlsStep::closed;
  do {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), place + got, size - got, &bytes);
    if (result != 1) {
      const auto step = step_of(result);
      return got > 0 ? TlsStep::done : step;
    }
    got += bytes;
  } while (got < size && SSL_has_pending(ssl_.get()) == 1);
  return TlsStep::done;
}

bool TlsStream::is_trusted() const {
  return SSL_get_verify_result(ssl_.get()) == X509_V_OK;
}

bool TlsStream::ended_in_order() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

bool TlsStream::has_pending() const {
  return SSL_has_pending(ssl_.get()) == 1;
}

IdleState TlsStream::look() {
  if (failed_) return IdleState::closed;
  ERR_clear_error();
  char byte = 0;
  std::size_t bytes = 0;
  if (SSL_peek_ex(ssl_.get(), &byte, 1, &bytes) == 1) return IdleState::surplus;
  if (step_of(0) != TlsStep::want_read) return IdleState::closed;
  // A part of a record, or no more than its head, may be the beginning of what nobody asked for.
  const bool begun = has_pending() || std::string_view(SSL_rstate_string(ssl_.get())) == "RB";
  return begun ? IdleState::closed : IdleState::quiet;
}

TlsStep TlsStream::send(const char* bytes, std::size_t size) {
  while (size > 0) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes, size, &sent);
    if (result != 1) {
      // What the socket does not take any more is no failure of what came: the peer's last words can still be read.
      unwritable_ = SSL_get_error(ssl_.get(), result) == SSL_ERROR_SYSCALL;
      const auto step = unwritable_ ? TlsStep::closed : step_of(result);
      // OpenSSL has sealed it and wants to see the same bytes again (SSL_write(3)).
      if (bytes != unsent_.data()) {
        std::string rest(bytes, size);
        unsent_.swap(rest);
        if (secret_) base::wipe(rest);
      }
      return step;
    }
    bytes += sent;
    size -= sent;
  }
  return TlsStep::done;
}

TlsStep TlsStream::write(Gather& pieces) {
  if (failed_ || unwritable_) return TlsStep::closed;
  if (!unsent_.empty()) {
    if (const auto step = send(unsent_.data(), unsent_.size()); step != TlsStep::done) return step;
    if (secret_) base::wipe(unsent_);
    unsent_ = std::string();
  }
  std::array<char, k_record_bytes_max> record;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as it is read
  for (;;) {
    const auto size = pieces.take(record.data(), record.size());
    if (size == 0) return TlsStep::done;
    const auto step = send(record.data(), size);
    if (secret_) base::wipe(record.data(), size);
    if (step != TlsStep::done) return step;
  }
}

TlsStep TlsStream::end() {
  if (failed_ || unwritable_ || ended_ || !unsent_.empty() || SSL_in_init(ssl_.get()) == 1) return TlsStep::done;
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());  // 0: sent; the peer's own is not waited for
  const auto step = result >= 0 ? TlsStep::done : step_of(result);
  ended_ = step != TlsStep::want_write;
  return ended_ ? TlsStep::done : step;
}

}  // namespace cr::http::tls
