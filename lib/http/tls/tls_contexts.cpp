// SPDX-License-Identifier: MIT
#include "http/tls/tls_contexts.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "base/text.h"
#include "http/tls/pem_file.h"

namespace cr::http::tls {

namespace {

namespace ssl = boost::asio::ssl;
namespace asio = boost::asio;
using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> bad_file(std::string_view what, const std::string& path, const std::string& why,
                                     std::string hint = {}) {
  return base::fail(ErrorCode::invalid, std::string(what) + " " + base::escape_for_terminal(path) + ": " + why,
                    std::move(hint));
}

// The oldest error of OpenSSL's queue is the cause; the queue is left empty.
std::string said_by_openssl() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "not readable as PEM" : reason;
}

asio::const_buffer buffer_of(const PemFile& content) {
  return asio::buffer(content.text.reveal().data(), content.text.reveal().size());
}

// A passphrase would have to be kept somewhere just as readable; without this OpenSSL asks the terminal for it.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Result<void> use_ca_file(ssl::context& tls, const std::string& path) {
  constexpr std::string_view k_what = "CA file";
  const auto content = read_pem_file(k_what, path);
  if (!content) return tl::unexpected(content.error());
  boost::system::error_code error;
  ERR_clear_error();
  tls.add_certificate_authority(buffer_of(*content), error);
  const auto* store = SSL_CTX_get_cert_store(tls.native_handle());
  if (error || sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) == 0) {
    return bad_file(k_what, path, "it holds no usable certificate: " + said_by_openssl(),
                    "it must hold CA certificates in PEM form");
  }
  return {};
}

Result<void> use_client_files(ssl::context& tls, const TlsFiles& files) {
  constexpr std::string_view k_cert = "client certificate";
  constexpr std::string_view k_key = "client key";
  const auto cert = read_pem_file(k_cert, files.client_cert);
  if (!cert) return tl::unexpected(cert.error());
  const auto key = read_pem_file(k_key, files.client_key);
  if (!key) return tl::unexpected(key.error());
  SSL_CTX_set_default_passwd_cb(tls.native_handle(), no_passphrase);
  boost::system::error_code error;
  ERR_clear_error();
  tls.use_certificate_chain(buffer_of(*cert), error);
  if (error) {
    return bad_file(k_cert, files.client_cert, said_by_openssl(), "it must hold the certificate and its chain as PEM");
  }
  tls.use_private_key(buffer_of(*key), ssl::context::pem, error);
  if (error) {
    return bad_file(k_key, files.client_key, said_by_openssl(),
                    "it must hold the certificate's own private key as PEM, without a passphrase");
  }
  if (SSL_CTX_check_private_key(tls.native_handle()) == 1) return {};
  return bad_file(k_key, files.client_key, "it is not the key of " + base::escape_for_terminal(files.client_cert));
}

TlsContext strict_context() {
  auto tls = std::make_shared<ssl::context>(ssl::context::tls_client);
  tls->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                   ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  tls->set_verify_mode(ssl::verify_peer);
  return tls;
}

Result<void> use_usual_authorities(ssl::context& tls, const std::string& extra_ca_file) {
  boost::system::error_code error;
  tls.set_default_verify_paths(error);
  if (error) return base::fail(ErrorCode::unavailable, "cannot read the system's certificates: " + error.message());
  if (extra_ca_file.empty()) return {};
  tls.load_verify_file(extra_ca_file, error);
  if (!error) return {};
  return base::fail(ErrorCode::invalid,
                    "cannot read the certificates in 'ca_file' " + extra_ca_file + ": " + error.message());
}

}  // namespace

Result<std::unique_ptr<TlsContexts>> TlsContexts::make(const std::string& extra_ca_file) {
  std::unique_ptr<TlsContexts> contexts(new TlsContexts(extra_ca_file));
  auto usual = contexts->read({});
  if (!usual) return tl::unexpected(usual.error());
  contexts->usual_ = std::move(*usual);
  return contexts;
}

Result<TlsContext> TlsContexts::read(const TlsFiles& files) const {
  auto tls = strict_context();
  auto done = files.ca_file.empty() ? use_usual_authorities(*tls, extra_ca_file_) : use_ca_file(*tls, files.ca_file);
  if (done && !files.client_cert.empty()) done = use_client_files(*tls, files);
  if (!done) return tl::unexpected(done.error());
  return tls;
}

void TlsContexts::put(const TlsFiles& files, Result<TlsContext> context) {
  const base::MutexLock lock(mutex_);
  contexts_.insert_or_assign(files, std::move(context));
}

Result<TlsContext> TlsContexts::look_up(const TlsFiles& files) const {
  if (files.empty()) return usual_;
  const base::MutexLock lock(mutex_);
  const auto found = contexts_.find(files);
  if (found != contexts_.end()) return found->second;
  return base::fail(ErrorCode::unavailable, "the channel's certificate files were not read",
                    "read them with: crctl config reload");
}

}  // namespace cr::http::tls
