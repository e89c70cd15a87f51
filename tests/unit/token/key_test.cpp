// SPDX-License-Identifier: MIT
#include "token/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace cr::token {
namespace {

using testing::HasSubstr;
using testing::Not;

// Its checksum was made with zlib's crc32, not with ours.
constexpr std::string_view k_known = "sk-cr-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg29Z6Ht";

base::Secret master_of(char byte) {
  return base::Secret(std::string(Vault::k_master_bytes, byte));
}

TEST(MintKey, has_our_shape_and_never_repeats) {
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    const base::Secret key = mint_key();
    EXPECT_EQ(key.size(), 6U + 43U + 6U);
    EXPECT_TRUE(key.reveal().starts_with("sk-cr-"));
    EXPECT_EQ(shape_of(key.reveal()), KeyShape::ours);
    seen.emplace(key.reveal());
  }
  EXPECT_EQ(seen.size(), 500U);
}

TEST(MintKey, uses_the_whole_alphabet) {
  std::set<char> seen;
  for (int i = 0; i < 200; ++i) {
    const base::Secret key = mint_key();
    for (const char c : key.reveal().substr(6, k_key_random_chars)) seen.insert(c);
  }
  EXPECT_EQ(seen.size(), 62U);
}

TEST(MintKey, takes_another_prefix) {
  const base::Secret key = mint_key("acme_");
  EXPECT_EQ(shape_of(key.reveal(), "acme_"), KeyShape::ours);
  EXPECT_EQ(shape_of(key.reveal()), KeyShape::foreign);
  EXPECT_EQ(shape_of(mint_key("").reveal(), ""), KeyShape::ours);
}

TEST(ShapeOf, known_vector) {
  EXPECT_EQ(shape_of(k_known), KeyShape::ours);
}

TEST(ShapeOf, every_single_slip_is_seen) {
  for (std::size_t i = 6; i < k_known.size(); ++i) {
    std::string slip(k_known);
    slip[i] = slip[i] == 'x' ? 'y' : 'x';
    EXPECT_EQ(shape_of(slip), KeyShape::mistyped) << i;
    std::string cut(k_known);
    cut.erase(i, 1);
    EXPECT_EQ(shape_of(cut), KeyShape::mistyped) << i;
    if (i + 1 < k_known.size() && k_known[i] != k_known[i + 1]) {
      std::string swapped(k_known);
      std::swap(swapped[i], swapped[i + 1]);
      EXPECT_EQ(shape_of(swapped), KeyShape::mistyped) << i;
    }
  }
}

struct ShapeCase {
  std::string key;
  KeyShape shape;
};

TEST(ShapeOf, table) {
  const std::string known(k_known);
  const ShapeCase table[] = {
      {"", KeyShape::malformed},
      {" ", KeyShape::malformed},
      {known + " ", KeyShape::malformed},
      {known + "\n", KeyShape::malformed},
      {known + '\0', KeyShape::malformed},
      {"sk-cr-\x7f", KeyShape::malformed},
      {"sk-cr-é", KeyShape::malformed},
      {std::string(513, 'a'), KeyShape::malformed},
      {std::string(512, 'a'), KeyShape::foreign},
      {"a", KeyShape::foreign},
      {"sk-proj-abcdef", KeyShape::foreign},
      {"sk-cr", KeyShape::foreign},
      {"SK-CR-" + known.substr(6), KeyShape::foreign},
      {"sk-cr-", KeyShape::mistyped},
      {"sk-cr-abc", KeyShape::mistyped},
      {known + "x", KeyShape::mistyped},
      {"sk-cr-" + std::string(49, '-'), KeyShape::mistyped},
      {"sk-cr-" + std::string(506, 'a'), KeyShape::mistyped},
  };
  for (const auto& row : table) {
    EXPECT_EQ(static_cast<int>(shape_of(row.key)), static_cast<int>(row.shape)) << row.key;
  }
}

struct HintCase {
  std::string_view key, first, last;
};

TEST(HintOf, table) {
  constexpr HintCase k_table[] = {
      {k_known, "sk-cr-0123", "Z6Ht"},
      {"abcdefghijklmnopqrstuvwx", "abcdefghij", "uvwx"},  // 24: the whole hint
      {"abcdefghijklmnopqrstuvw", "abcdefgh", "uvw"},      // 23: half of it
      {"abcdefghij", "abcd", "j"},
      {"abcd", "ab", ""},
      {"ab", "a", ""},
      {"a", "", ""},
      {"", "", ""},
  };
  for (const auto& row : k_table) {
    const KeyHint hint = hint_of(row.key);
    EXPECT_EQ(hint.first, row.first) << row.key;
    EXPECT_EQ(hint.last, row.last) << row.key;
  }
  for (std::size_t size = 0; size < 24; ++size) {
    const KeyHint hint = hint_of(std::string(size, 'k'));
    EXPECT_LE((hint.first.view().size() + hint.last.view().size()) * 2, size);
  }
}

TEST(Vault, wants_32_bytes) {
  for (const std::size_t size : {0U, 1U, 31U, 33U, 64U}) {
    const auto vault = Vault::make(base::Secret(std::string(size, 'k')));
    ASSERT_FALSE(vault) << size;
    EXPECT_EQ(vault.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(vault.error().message, Not(HasSubstr("kk")));
  }
  EXPECT_TRUE(Vault::make(master_of('k')));
  const base::Secret one = Vault::new_master();
  const base::Secret two = Vault::new_master();
  EXPECT_EQ(one.size(), Vault::k_master_bytes);
  EXPECT_NE(one.reveal(), two.reveal());
}

TEST(Vault, digest_hangs_on_key_and_master) {
  const Vault vault = Vault::make(master_of('a')).value();
  const Vault same = Vault::make(master_of('a')).value();
  const Vault other = Vault::make(master_of('b')).value();
  EXPECT_EQ(vault.digest("key"), same.digest("key"));
  EXPECT_NE(vault.digest("key"), vault.digest("kez"));
  EXPECT_NE(vault.digest("key"), other.digest("key"));
  EXPECT_NE(vault.digest(""), Digest{});
}

TEST(Vault, digest_and_fingerprint_stay_the_same_over_versions) {
  const Vault vault = Vault::make(master_of('a')).value();
  const auto hex = [](const Digest& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  };
  // Made with Python's hashlib: BLAKE2b keyed by BLAKE2b(key = master, salt = number of the subkey, person =
  // "crkeys__").
  EXPECT_EQ(hex(vault.digest("key")), "a97e8053f64f5114524b196a0a9e649e2b2e9e077f747088a6115ab91bb01aaf");
  EXPECT_EQ(hex(vault.fingerprint()), "6b04f79722a583c01b9a5b738bf8f022ee2eae7748e32add737250977f5d4dbf");
}

TEST(Vault, seals_and_opens) {
  const Vault vault = Vault::make(master_of('a')).value();
  for (const std::string& plain :
       {std::string(k_known), std::string(), std::string("a\0b", 3), std::string(10'000, 'x')}) {
    const std::string sealed = vault.seal(plain, "token:42");
    const auto opened = vault.open(sealed, "token:42");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->reveal(), plain);
    EXPECT_NE(sealed, vault.seal(plain, "token:42")) << "the nonce is new each time";
    EXPECT_TRUE(plain.empty() || sealed.find(plain) == std::string::npos);
  }
}

TEST(Vault, opens_only_what_it_sealed_where_it_sealed_it) {
  const Vault vault = Vault::make(master_of('a')).value();
  const std::string sealed = vault.seal(k_known, "token:42");
  const auto refuses = [&](std::string_view text, std::string_view context) {
    const auto opened = vault.open(text, context);
    if (opened) return false;
    EXPECT_EQ(opened.error().code, base::ErrorCode::corrupt);
    EXPECT_THAT(opened.error().message, Not(HasSubstr("sk-cr-")));
    return true;
  };
  EXPECT_TRUE(refuses(sealed, "token:43"));
  EXPECT_TRUE(refuses(sealed, ""));
  EXPECT_TRUE(refuses("", "token:42"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_TRUE(refuses(altered, "token:42")) << i;
    EXPECT_TRUE(refuses(sealed.substr(0, i), "token:42")) << i;
  }
  EXPECT_TRUE(refuses(sealed + '\0', "token:42"));
  EXPECT_FALSE(Vault::make(master_of('b')).value().open(sealed, "token:42"));
}

TEST(Vault, moves_whole) {
  Vault vault = Vault::make(master_of('a')).value();
  const Digest digest = vault.digest("key");
  const Vault moved(std::move(vault));
  EXPECT_EQ(moved.digest("key"), digest);
}

}  // namespace
}  // namespace cr::token
