// SPDX-License-Identifier: MIT
// Key: the secret text of a token. Minted, checked, digested, sealed. Pure: no I/O, no clock, no lock; any thread.
// Shape: prefix ("sk-cr-") + 43 base62 characters (256 random bits) + 6 base62 characters of the CRC-32 (IEEE 802.3) of
// everything before them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/short_text.h"

namespace cr::token {

inline constexpr std::string_view k_default_key_prefix = "sk-cr-";
inline constexpr std::size_t k_key_bytes_max = 512;
inline constexpr std::size_t k_key_random_chars = 43;
inline constexpr std::size_t k_key_checksum_chars = 6;

using Digest = std::array<std::uint8_t, 32>;

base::Secret mint_key(std::string_view prefix = k_default_key_prefix);

enum class KeyShape {
  ours,       // prefix, length, alphabet and CRC right
  mistyped,   // our prefix, but the rest is wrong: no look-up
  foreign,    // another shape of visible ASCII: may be an imported key
  malformed,  // empty, over 512 bytes, or a byte that is not visible ASCII
};
KeyShape shape_of(std::string_view key, std::string_view prefix = k_default_key_prefix);

// What may be shown of a key: its first 10 and last 4 characters ("sk-cr-Ab1C" and "x9Zq"); for keys under 24
// characters fewer, so that at least half stays hidden.
struct KeyHint {
  base::ShortText<10> first;
  base::ShortText<4> last;
};
KeyHint hint_of(std::string_view key);
std::string to_text(const KeyHint& hint);  // "sk-p...Q2xL"

// Holds the master key; makes digests and sealed copies with subkeys derived from it (one a purpose).
class Vault {
 public:
  static constexpr std::size_t k_master_bytes = 32;
  // `invalid` unless it is exactly 32 bytes.
  static base::Result<Vault> make(const base::Secret& master);
  static base::Secret new_master();
  Vault(Vault&&) noexcept = default;
  Vault& operator=(Vault&&) noexcept = default;

  // Keyed BLAKE2b-256: what the store keeps instead of the key.
  Digest digest(std::string_view key) const;
  // XChaCha20-Poly1305 with a random nonce, bound to `context` ("token:42"): opens only with the same context.
  std::string seal(std::string_view plain, std::string_view context) const;
  base::Result<base::Secret> open(std::string_view sealed, std::string_view context) const;  // `corrupt` if it does not
  // A value stored in a new store and compared at each start: tells a wrong master key before any harm.
  Digest fingerprint() const;
  // What a head of the store ends with: who has not the master key cannot write one.
  Digest head_code(std::string_view text) const;

 private:
  Vault() = default;
  base::Secret digest_key_;
  base::Secret seal_key_;
  base::Secret fingerprint_key_;
  base::Secret head_key_;
};

}  // namespace cr::token
