// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "base/hide_keys.h"

namespace cr::base {
namespace {

constexpr std::string_view k_gone = "(not shown: it may be a key)";

TEST(HideKeys, what_may_be_a_key_is_not_shown) {
  for (const std::string key :
       {"sk-cr-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3AbCdEfGhIjKl", "sk-short-one", "sk-ant-api03-AbCdEf",
        "SK-SHOUTED-1", "sk_live_something", "gsk_abcdefghijkl", "xai-a1b2c3d4e5f6g7h8i9j0k", "AIzaSyA1234567",
        "hf_abcdefghijklm", "0123456789abcdef0123456789abcdef", "AKIAIOSFODNN7EXAMPLE", "-sk-after-a-dash",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "acme-Zx8Kq2Lm4Nv6Bc0Ty3Wp"}) {
    EXPECT_EQ(hide_keys(key), k_gone) << key;
    EXPECT_EQ(hide_keys("no token named '" + key + "'"), "no token named '" + std::string(k_gone) + "'");
    EXPECT_EQ(hide_keys("OPENAI_API_KEY=" + key + ","), "OPENAI_API_KEY=" + std::string(k_gone) + ",");
    EXPECT_EQ(hide_keys("https://" + key + "@host/v1").find(key), std::string::npos);
  }
}

TEST(HideKeys, names_paths_and_ids_stay) {
  for (const std::string text :
       {"", "no token named 'ci'", "did you mean 'gpt-4o-mini-2024-07-18'?", "claude-sonnet-4-5-20250929",
        "text-embedding-3-large", "/etc/crd/crd.toml:12: unknown key 'lisen'", "req_01JDV3Q6W8X9Y0Z1A2B3C4D5E6",
        "its old key sk-cr-Ab1C...x9Zq was used at 2026-11-29T15:00:00Z from 192.0.2.7", "sk-cr-Ab1C", "100% \xc3\xa9",
        "123e4567-e89b-12d3-a456-426614174000", "internationalization-of-everything", "12345678901234567890",
        "https://api.example.com/v1", "crctl channel set-key main --key-stdin", "--key-file"}) {
    EXPECT_EQ(hide_keys(text), text);
  }
}

}  // namespace
}  // namespace cr::base
