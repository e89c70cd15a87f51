// SPDX-License-Identifier: MIT
#include "http/tls/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/address.h"
#include "base/text.h"
#include "http/tls/pem_file.h"

namespace cr::http::tls {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t k_names_max = 8;  // shown of a certificate
constexpr auto k_soon = std::chrono::hours(24 * 14);
// Keys of 112 bits of security and more: RSA from 2,048 bits on (SSL_CTX_set_security_level(3)).
constexpr int k_security_level = 2;
// AEAD and ephemeral keys only (RFC 9325, 4.2).
constexpr const char* k_ciphers_1_2 =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* k_ciphers_1_3 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* k_groups = "X25519:P-256:P-384";
constexpr unsigned char k_alpn[] = "\x08http/1.1";

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free>;

// OpenSSL's own words for what just failed; the queue is empty after it.
std::string reason() {
  const auto code = ERR_peek_last_error();
  const char* text = ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? "OpenSSL refuses it" : text;
}

std::string shown(const std::string& path) {
  return base::escape_for_terminal(path);
}

Bio memory_of(const PemFile& file) {
  return Bio(BIO_new_mem_buf(file.text.reveal().data(), static_cast<int>(file.text.size())));
}

// Never asks on a terminal; remembers that it was to.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* match = nullptr;
  const int found = SSL_select_next_proto(&match, size, k_alpn, sizeof k_alpn - 1, offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

base::Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::Time(std::chrono::seconds(::timegm(&parts)));
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  const auto* data = ASN1_STRING_get0_data(bytes);
  base::IpAddress address;
  if (ASN1_STRING_length(bytes) == 16) {
    std::memcpy(address.bytes.data(), data, 16);
  } else if (ASN1_STRING_length(bytes) == 4) {
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(address.bytes.data() + 12, data, 4);
  }
  return address.to_string();
}

std::string names_of(X509* certificate) {
  std::string text;
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && i < static_cast<int>(k_names_max); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    text += text.empty() ? "" : ", ";
    text += name->type == GEN_DNS ? text_of(name->d.dNSName) : address_text(name->d.iPAddress);
  }
  return base::escape_for_terminal(text);
}

}  // namespace

Result<std::shared_ptr<const TlsServer>> TlsServer::load(const ServerTlsFiles& files, base::Time now) {
  std::shared_ptr<TlsServer> server(new TlsServer);
  ERR_clear_error();
  if (auto done = server->use_terms(); !done) return tl::unexpected(done.error());
  if (auto done = server->use_chain(files.cert, now); !done) return tl::unexpected(done.error());
  if (auto done = server->use_key(files); !done) return tl::unexpected(done.error());
  return server;
}

Result<void> TlsServer::use_terms() {
  context_.reset(SSL_CTX_new(TLS_server_method()), [](SSL_CTX* context) { SSL_CTX_free(context); });
  auto* context = context_.get();
  if (context == nullptr) return fail(ErrorCode::unavailable, "cannot set TLS up: " + reason());
  SSL_CTX_set_security_level(context, k_security_level);
  // Tickets are sealed with a key of this context's own, and no session is kept: the workers share nothing that locks.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_CLEANSE_PLAINTEXT);  // clients' keys, in its buffers
  // A record the socket has no room for comes again from another place; an idle connection keeps no buffers.
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // one read for a record's head and body
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  const bool set = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(context, k_ciphers_1_2) == 1 &&
                   SSL_CTX_set_ciphersuites(context, k_ciphers_1_3) == 1 &&
                   SSL_CTX_set1_groups_list(context, k_groups) == 1;
  if (!set) return fail(ErrorCode::unavailable, "cannot set TLS up: " + reason());
  return {};
}

Result<void> TlsServer::use_chain(const std::string& path, base::Time now) {
  const auto file = read_pem_file("'tls.cert'", path);
  if (!file) return tl::unexpected(file.error());
  const auto bio = memory_of(*file);
  const Certificate leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf) {
    ERR_clear_error();
    return fail(ErrorCode::invalid, "no certificate in 'tls.cert' " + shown(path),
                "it is a PEM file: '-----BEGIN CERTIFICATE-----', the server's own first, then the chain");
  }
  if (SSL_CTX_use_certificate(context_.get(), leaf.get()) != 1) {
    return fail(ErrorCode::invalid, "the certificate in 'tls.cert' " + shown(path) + " cannot be used: " + reason(),
                "have one made with an ECDSA key, or an RSA key of 2048 bits or more");
  }
  for (;;) {
    const Certificate issuer(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!issuer) break;
    if (SSL_CTX_add1_chain_cert(context_.get(), issuer.get()) != 1) {
      return fail(ErrorCode::invalid, "the chain in 'tls.cert' " + shown(path) + " cannot be used: " + reason());
    }
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return fail(ErrorCode::invalid, "the chain in 'tls.cert' " + shown(path) + " is broken off: " + reason(),
                "copy the file again, whole");
  }
  ERR_clear_error();
  names_ = names_of(leaf.get());
  expires_ = time_of(X509_get0_notAfter(leaf.get()));
  const auto begins = time_of(X509_get0_notBefore(leaf.get()));
  const auto certificate = "the certificate in 'tls.cert' " + shown(path);
  if (expires_ <= now) {
    warnings_.push_back(certificate + " expired at " + base::format_rfc3339(expires_) + ": clients will refuse it");
  } else if (expires_ - now < k_soon) {
    warnings_.push_back(certificate + " expires at " + base::format_rfc3339(expires_) + ": renew it");
  }
  if (begins > now) {
    warnings_.push_back(certificate + " is valid only from " + base::format_rfc3339(begins) + ": is the clock right?");
  }
  return {};
}

Result<void> TlsServer::use_key(const ServerTlsFiles& files) {
  const auto file = read_pem_file("'tls.key'", files.key);
  if (!file) return tl::unexpected(file.error());
  const auto bio = memory_of(*file);
  bool asked = false;
  const PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
  const auto where = "'tls.key' " + shown(files.key);
  if (!key) {
    ERR_clear_error();
    if (asked) {
      return fail(ErrorCode::invalid, "the key in " + where + " is encrypted",
                  "crd has nobody to ask: decrypt it with 'openssl pkey', and protect the file by its mode");
    }
    return fail(ErrorCode::invalid, "no private key in " + where, "it is a PEM file: '-----BEGIN PRIVATE KEY-----'");
  }
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1 || SSL_CTX_check_private_key(context_.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid, "the key in " + where + " is not that of 'tls.cert' " + shown(files.cert),
                "name the pair that was made together; a renewed certificate may have come with a new key");
  }
  if ((file->mode & S_IRWXO) != 0) {
    warnings_.push_back("the key in " + where + " can be read by every user: run chmod o= " + shown(files.key));
  }
  return {};
}

}  // namespace cr::http::tls
