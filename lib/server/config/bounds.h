// SPDX-License-Identifier: MIT
// What a configuration may have at most, held before it is parsed: toml++ makes a table for every part of a dotted key
// and destroys them by recursion, so 50,000 parts are more than a stack holds. Pure, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cr::server::config {

inline constexpr std::size_t k_config_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t k_config_levels_max = 8;  // of brackets and braces, and of the parts of one key
inline constexpr std::size_t k_config_keys_max = 1000;
inline constexpr std::size_t k_config_values_max = 20'000;  // of all lists

struct ExceededBound {
  std::size_t line = 0;  // from 1; 0 = of the whole
  std::string what;      // "a key of more than 8 parts"
};

// The first bound that `toml` exceeds. It is exact as far as the text is TOML; behind the first error of syntax, where
// the parser stops, it may be anything.
std::optional<ExceededBound> find_exceeded_bound(std::string_view toml);

}  // namespace cr::server::config
