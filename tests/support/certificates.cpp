// SPDX-License-Identifier: MIT
#include "support/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <stdexcept>

namespace cr::test {

namespace {

void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string(what) + ": " + ERR_error_string(ERR_get_error(), nullptr));
}

template <class Write>
std::string to_pem(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  must(write(out.get()) == 1, "cannot write PEM");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void extend(X509* cert, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free);
  must(extension != nullptr && X509_add_ext(cert, extension.get(), -1) == 1, "cannot add an extension");
}

}  // namespace

struct Certificate::Parts {
  std::unique_ptr<X509, decltype(&X509_free)> cert{X509_new(), &X509_free};
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
};

Certificate Certificate::make(const CertificateOptions& options, const Certificate* issuer) {
  auto parts = std::make_shared<Parts>();
  X509* cert = parts->cert.get();
  X509* signer = issuer == nullptr ? cert : issuer->parts_->cert.get();
  must(cert != nullptr && parts->key != nullptr, "cannot make a certificate");
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(cert, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert), options.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(cert), options.ends.count());
  X509_set_pubkey(cert, parts->key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert, X509_get_subject_name(signer));
  extend(cert, signer, NID_basic_constraints, options.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  std::string names;
  for (const auto& name : options.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(cert, signer, NID_subject_alt_name, names);
  EVP_PKEY* signing = issuer == nullptr ? parts->key.get() : issuer->parts_->key.get();
  must(X509_sign(cert, signing, EVP_sha256()) > 0, "cannot sign");
  return Certificate(std::move(parts));
}

Certificate Certificate::self_signed(const CertificateOptions& options) {
  return make(options, nullptr);
}
Certificate Certificate::issue(const CertificateOptions& options) const {
  return make(options, this);
}

std::string Certificate::cert_pem() const {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, parts_->cert.get()); });
}
std::string Certificate::key_pem() const {
  return to_pem([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, parts_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

}  // namespace cr::test
