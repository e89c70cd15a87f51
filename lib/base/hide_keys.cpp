// SPDX-License-Identifier: MIT
#include "base/hide_keys.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cr::base {
namespace {

constexpr std::string_view k_instead = "(not shown: it may be a key)";
// How the keys of providers and of crd begin; nothing else does.
constexpr std::array<std::string_view, 12> k_beginnings{"sk-", "sk_", "gsk_", "csk-",        "akia",  "aiza",
                                                        "eyj", "hf_", "ghp_", "github_pat_", "pplx-", "nvapi-"};
constexpr std::size_t k_short_key_min = 12;  // with such a beginning
constexpr std::size_t k_random_min = 20;     // letters and digits without a break
constexpr std::string_view k_request_id = "req_";
constexpr std::size_t k_request_id_chars = 30;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word_char(char c) {
  return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.';
}

// A long run of letters and digits mixed: no name of a model, a token or a host has one.
bool has_random_run(std::string_view word) {
  std::size_t run = 0;
  std::size_t digits = 0;
  for (const char c : word) {
    const bool counts = is_digit(c) || is_letter(c);
    run = counts ? run + 1 : 0;
    digits = !counts ? 0 : is_digit(c) ? digits + 1 : digits;
    if (run >= k_random_min && digits >= 2 && digits + 2 <= run) return true;
  }
  return false;
}

bool may_be_key(std::string_view word) {
  // Both ends of a key, as crd shows it, and the id of a request.
  if (word.find("...") != std::string_view::npos) return false;
  if (word.starts_with(k_request_id) && word.size() == k_request_id_chars) return false;
  if (has_random_run(word)) return true;
  const auto first = std::find_if(word.begin(), word.end(), [](char c) { return is_digit(c) || is_letter(c); });
  word.remove_prefix(static_cast<std::size_t>(first - word.begin()));
  if (word.size() < k_short_key_min) return false;
  const auto lower = to_lower_ascii(word.substr(0, k_short_key_min));
  return std::any_of(k_beginnings.begin(), k_beginnings.end(),
                     [&](std::string_view beginning) { return lower.starts_with(beginning); });
}

}  // namespace

std::string hide_keys(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_word_char);
    const auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    out += may_be_key(word) ? k_instead : word;
    text.remove_prefix(word.size());
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace cr::base
