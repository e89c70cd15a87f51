// SPDX-License-Identifier: MIT
#include "http/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <new>

namespace cr::http {

namespace {

constexpr std::size_t k_record_bytes_max = 16 * 1024;  // RFC 8446, 5.1

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

TlsStep TlsStream::send(const char* bytes, std::size_t size) {
  while (size > 0) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes, size, &sent);
    if (result != 1) {
      const auto step = step_of(result);
      // OpenSSL has sealed it and wants to see the same bytes again (SSL_write(3)).
      if (bytes != unsent_.data()) unsent_ = std::string(bytes, size);
      return step;
    }
    bytes += sent;
    size -= sent;
  }
  return TlsStep::done;
}

TlsStep TlsStream::write(Gather& pieces) {
  if (failed_) return TlsStep::closed;
  if (!unsent_.empty()) {
    if (const auto step = send(unsent_.data(), unsent_.size()); step != TlsStep::done) return step;
    unsent_ = std::string();
  }
  std::array<char, k_record_bytes_max> record;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as it is read
  for (;;) {
    const auto size = pieces.take(record.data(), record.size());
    if (size == 0) return TlsStep::done;
    if (const auto step = send(record.data(), size); step != TlsStep::done) return step;
  }
}

TlsStep TlsStream::end() {
  if (failed_ || ended_ || !unsent_.empty() || SSL_in_init(ssl_.get()) == 1) return TlsStep::done;
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());  // 0: sent; the peer's own is not waited for
  const auto step = result >= 0 ? TlsStep::done : step_of(result);
  ended_ = step != TlsStep::want_write;
  return ended_ ? TlsStep::done : step;
}

}  // namespace cr::http
