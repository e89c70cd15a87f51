// SPDX-License-Identifier: MIT
#include "support/self_signed.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace cr::test {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make the test's certificate");
}

Owned<EVP_PKEY> make_key(SelfSigned::Key kind) {
  if (kind == SelfSigned::Key::ecdsa) return Owned<EVP_PKEY>(EVP_EC_gen("P-256"));
  return Owned<EVP_PKEY>(EVP_RSA_gen(kind == SelfSigned::Key::rsa ? 2048U : 1024U));
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

SelfSigned SelfSigned::make(Key kind, std::chrono::hours valid_for) {
  const auto key = make_key(kind);
  const Owned<X509> certificate(X509_new());
  must(key && certificate);
  auto* x509 = certificate.get();
  auto* name = X509_get_subject_name(x509);
  constexpr long k_day = 24L * 3600;
  must(X509_set_version(x509, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
  must(X509_gmtime_adj(X509_getm_notBefore(x509), valid_for.count() < 0 ? -365 * k_day : -k_day) != nullptr);
  must(X509_gmtime_adj(X509_getm_notAfter(x509), std::chrono::seconds(valid_for).count()) != nullptr);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                                  0) == 1);
  must(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key.get()) == 1);
  add_extension(x509, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  must(X509_sign(x509, key.get(), EVP_sha256()) != 0);
  const Owned<BIO> cert_text(BIO_new(BIO_s_mem()));
  const Owned<BIO> key_text(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(cert_text.get(), x509) == 1);
  must(PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(cert_text.get()), text_of(key_text.get())};
}

}  // namespace cr::test
