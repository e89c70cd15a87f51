// SPDX-License-Identifier: MIT
#include "token/key.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cr::token {
namespace {

constexpr std::string_view k_base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Where libsodium cannot start there is no randomness, and nothing here may go on.
void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) throw std::runtime_error("libsodium cannot start");
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> k_crc_table = make_crc_table();

std::uint32_t crc32_of(std::string_view text) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : text) crc = crc >> 8 ^ k_crc_table[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF];
  return ~crc;
}

using Checksum = std::array<char, k_key_checksum_chars>;

// 62^6 > 2^32: six digits hold any CRC-32.
Checksum checksum_of(std::string_view text) {
  std::uint32_t rest = crc32_of(text);
  Checksum digits{};
  for (std::size_t i = digits.size(); i-- > 0; rest /= 62) digits[i] = k_base62[rest % 62];
  return digits;
}

constexpr bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7f';
}
constexpr bool is_base62(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool has_our_tail(std::string_view key, std::size_t prefix_size) {
  if (key.size() != prefix_size + k_key_random_chars + k_key_checksum_chars) return false;
  const std::string_view tail = key.substr(prefix_size);
  if (!std::all_of(tail.begin(), tail.end(), [](char c) { return is_base62(c); })) return false;
  const Checksum wanted = checksum_of(key.substr(0, key.size() - k_key_checksum_chars));
  return key.substr(key.size() - k_key_checksum_chars) == std::string_view(wanted.data(), wanted.size());
}

enum class Purpose : std::uint64_t { digest = 1, seal = 2, fingerprint = 3, head = 4 };
constexpr char k_kdf_context[crypto_kdf_CONTEXTBYTES + 1] = "crkeys__";
constexpr std::size_t k_subkey_bytes = 32;
static_assert(k_subkey_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(Vault::k_master_bytes == crypto_kdf_KEYBYTES);

// Bytes written by libsodium into a string that becomes a Secret without a copy.
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

base::Secret subkey(const base::Secret& master, Purpose purpose) {
  std::string key(k_subkey_bytes, '\0');
  crypto_kdf_derive_from_key(bytes(key), key.size(), static_cast<std::uint64_t>(purpose), k_kdf_context,
                             bytes(master.reveal()));
  return base::Secret(std::move(key));
}

Digest keyed_digest(const base::Secret& key, std::string_view text) {
  Digest digest{};
  crypto_generichash(digest.data(), digest.size(), bytes(text), text.size(), bytes(key.reveal()), key.size());
  return digest;
}

constexpr char k_seal_version = 1;
constexpr std::size_t k_nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t k_tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

}  // namespace

base::Secret mint_key(std::string_view prefix) {
  start_sodium();
  std::string key;
  key.reserve(prefix.size() + k_key_random_chars + k_key_checksum_chars);  // growing would leave copies behind
  key += prefix;
  for (std::size_t i = 0; i < k_key_random_chars; ++i) key += k_base62[randombytes_uniform(k_base62.size())];
  const Checksum checksum = checksum_of(key);
  key.append(checksum.data(), checksum.size());
  return base::Secret(std::move(key));
}

KeyShape shape_of(std::string_view key, std::string_view prefix) {
  if (key.empty() || key.size() > k_key_bytes_max) return KeyShape::malformed;
  if (!std::all_of(key.begin(), key.end(), [](char c) { return is_visible_ascii(c); })) return KeyShape::malformed;
  if (!key.starts_with(prefix)) return KeyShape::foreign;
  if (has_our_tail(key, prefix.size())) return KeyShape::ours;
  // Without a prefix nothing tells a slip of the pen from somebody else's key.
  return prefix.empty() ? KeyShape::foreign : KeyShape::mistyped;
}

KeyHint hint_of(std::string_view key) {
  constexpr std::size_t k_first = 10;
  constexpr std::size_t k_last = 4;
  std::size_t first = k_first;
  std::size_t last = k_last;
  if (key.size() < 24) {
    const std::size_t shown = key.size() / 2;
    last = std::min(k_last, shown / 3);
    first = shown - last;
  }
  return {base::ShortText<10>(key.substr(0, first)), base::ShortText<4>(key.substr(key.size() - last))};
}

std::string to_text(const KeyHint& hint) {
  return std::string(hint.first.view()) + "..." + std::string(hint.last.view());
}

base::Result<Vault> Vault::make(const base::Secret& master) {
  if (master.size() != k_master_bytes) {
    return base::fail(
        base::ErrorCode::invalid,
        "master key: " + std::to_string(master.size()) + " bytes instead of " + std::to_string(k_master_bytes),
        "give the file the daemon wrote when the store was made, or its backup");
  }
  start_sodium();
  Vault vault;
  vault.digest_key_ = subkey(master, Purpose::digest);
  vault.seal_key_ = subkey(master, Purpose::seal);
  vault.fingerprint_key_ = subkey(master, Purpose::fingerprint);
  vault.head_key_ = subkey(master, Purpose::head);
  return vault;
}

base::Secret Vault::new_master() {
  start_sodium();
  std::string master(k_master_bytes, '\0');
  crypto_kdf_keygen(bytes(master));
  return base::Secret(std::move(master));
}

Digest Vault::digest(std::string_view key) const {
  return keyed_digest(digest_key_, key);
}

// version byte, nonce, ciphertext and tag; the context is authenticated, not stored.
std::string Vault::seal(std::string_view plain, std::string_view context) const {
  std::string sealed(1 + k_nonce_bytes + plain.size() + k_tag_bytes, '\0');
  sealed[0] = k_seal_version;
  unsigned char* nonce = bytes(sealed) + 1;
  randombytes_buf(nonce, k_nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + k_nonce_bytes, nullptr, bytes(plain), plain.size(), bytes(context),
                                             context.size(), nullptr, nonce, bytes(seal_key_.reveal()));
  return sealed;
}

base::Result<base::Secret> Vault::open(std::string_view sealed, std::string_view context) const {
  const auto bad = [] {
    return base::fail(base::ErrorCode::corrupt, "sealed secret: it does not open",
                      "the record was altered or sealed under another master key: restore both from one backup");
  };
  if (sealed.size() < 1 + k_nonce_bytes + k_tag_bytes || sealed[0] != k_seal_version) return bad();
  const std::string_view nonce = sealed.substr(1, k_nonce_bytes);
  const std::string_view cipher = sealed.substr(1 + k_nonce_bytes);
  std::string plain(cipher.size() - k_tag_bytes, '\0');
  const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain), nullptr, nullptr, bytes(cipher),
                                                                cipher.size(), bytes(context), context.size(),
                                                                bytes(nonce), bytes(seal_key_.reveal()));
  if (opened != 0) return bad();
  return base::Secret(std::move(plain));
}

Digest Vault::fingerprint() const {
  return keyed_digest(fingerprint_key_, "code router store");
}

Digest Vault::head_code(std::string_view text) const {
  return keyed_digest(head_key_, text);
}

}  // namespace cr::token
