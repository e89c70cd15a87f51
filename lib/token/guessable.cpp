// SPDX-License-Identifier: MIT
#include "token/guessable.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>

#include "base/text.h"

namespace cr::token {
namespace {

// The longer ones first.
constexpr std::array<std::string_view, 9> k_prefixes{"sk-ant-api03-", "sk-svcacct-", "sk-or-v1-", "sk-proj-", "sk-ant-",
                                                     "xai-",          "gsk_",        "sk-",       "pk-"};
constexpr std::array<std::string_view, 3> k_rows{"qwertyuiop", "asdfghjkl", "zxcvbnm"};
// Of documents and examples, where a key was to be put.
constexpr std::array<std::string_view, 9> k_words{"api-key",   "api_key",     "apikey",  "your-",   "your_",
                                                  "change-me", "placeholder", "example", "changeme"};
// A key of 20 hex digits made by chance has fewer one time in forty thousand, one of 32 digits likewise.
constexpr std::size_t k_characters_min = 7;
constexpr std::size_t k_plain_bytes_min = 32;
constexpr std::size_t k_run_min = 4;

std::string_view behind_prefix(std::string_view key) {
  const auto* const prefix =
      std::find_if(k_prefixes.begin(), k_prefixes.end(), [key](auto known) { return key.starts_with(known); });
  return prefix == k_prefixes.end() ? key : key.substr(prefix->size());
}

bool has_few_characters(std::string_view text) {
  std::bitset<256> seen;
  for (const char c : text) seen.set(static_cast<unsigned char>(c));
  return seen.count() < k_characters_min;
}

bool repeats_itself(std::string_view text) {
  for (std::size_t unit = 1; unit <= text.size() / 2; ++unit) {
    if (text.substr(unit) == text.substr(0, text.size() - unit)) return true;
  }
  return false;
}

// By how much the next is away on the keyboard or in the alphabet, if it is beside it: -1, 0 or 1.
constexpr int k_no_step = 2;
int step_of(char left, char right) {
  const int distance = right - left;
  if (distance >= -1 && distance <= 1) return distance;
  for (const auto row : k_rows) {
    const auto from = row.find(left), to = row.find(right);
    if (from == row.npos || to == row.npos) continue;
    if (to == from + 1) return 1;
    if (from == to + 1) return -1;
  }
  return k_no_step;
}

// Two thirds and more of it lie in runs: equal characters, rising or falling ones, those of a keyboard's row.
bool is_made_of_runs(std::string_view text) {
  std::size_t in_runs = 0, begin = 0;
  int step = k_no_step;
  for (std::size_t at = 1; at <= text.size(); ++at) {
    const int next = at < text.size() ? step_of(text[at - 1], text[at]) : k_no_step;
    if (at < text.size() && next != k_no_step && (next == step || at - begin == 1)) {
      step = next;
      continue;
    }
    if (at - begin >= k_run_min) in_runs += at - begin;
    begin = at;
    step = k_no_step;
  }
  return 3 * in_runs >= 2 * text.size();
}

bool is_of(std::string_view text, char first, char last) {
  return std::all_of(text.begin(), text.end(), [=](char c) { return c >= first && c <= last; });
}

bool is_plain(std::string_view text) {
  return text.size() < k_plain_bytes_min && (is_of(text, 'a', 'z') || is_of(text, 'A', 'Z') || is_of(text, '0', '9'));
}

}  // namespace

std::string_view why_guessable(std::string_view key) {
  const auto text = behind_prefix(key);
  const auto lower = base::to_lower_ascii(text);
  if (has_few_characters(text)) return "it has fewer than 7 different characters";
  if (repeats_itself(lower)) return "it repeats itself";
  if (is_made_of_runs(lower)) return "it follows the alphabet or a keyboard";
  if (is_plain(text)) return "it is letters or digits alone, and shorter than 32";
  const auto holds = [&lower](std::string_view word) { return lower.find(word) != lower.npos; };
  if (std::any_of(k_words.begin(), k_words.end(), holds)) return "it is an example's";
  return {};
}

}  // namespace cr::token
