// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace cr::base {
namespace {

constexpr std::size_t k_name_chars_max = 64;
constexpr std::size_t k_nearest_chars_max = 128;  // longer words are not typing slips, and the table is quadratic

char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Whether two words of text are the same but for the case of letters: no byte differs in another bit than that of the
// case, and one that differs in it is a letter. What is 0x80 or more is no letter.
bool same_but_for_case(std::uint64_t left, std::uint64_t right) {
  constexpr std::uint64_t k_ones = 0x0101010101010101U;
  const std::uint64_t differ = left ^ right;
  if (differ == 0) return true;
  if ((differ & ~(k_ones * 0x20)) != 0) return false;
  const std::uint64_t small = (left | k_ones * 0x20) & k_ones * 0x7F;
  const std::uint64_t letters = (small + k_ones * (0x80 - 'a')) & ~(small + k_ones * (0x7F - 'z')) & ~left;
  return ((differ << 2) & ~letters & k_ones * 0x80) == 0;
}

template <class Word>
Word word_at(const char* text) {
  Word word = 0;
  std::memcpy(&word, text, sizeof word);
  return word;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Optimal string alignment: insert, delete, replace, or swap two neighbours, each 1.
std::size_t slips_between(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before_last(right.size() + 1);
  std::vector<std::size_t> last(right.size() + 1);
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replace = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[right.size()];
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, Wildcards wildcards) {
  const bool question_matches = wildcards == Wildcards::star_and_question;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*' passed, and where its run ends for now
  std::size_t star_end = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() && (pattern[p] == text[t] || (question_matches && pattern[p] == '?'))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<void> check_name(std::string_view what, std::string_view name) {
  const auto bad = [&](std::string_view why) {
    // A name may be any bytes of any length here; show what a person can recognise.
    const std::string shown = escape_for_terminal(name.substr(0, k_name_chars_max));
    return fail(ErrorCode::invalid, std::string(what) + " \"" + shown + "\": " + std::string(why),
                "use 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter, a digit or _");
  };
  if (name.empty()) return bad("it is empty");
  if (name.size() > k_name_chars_max) return bad("longer than 64 characters");
  if (name.front() == '-' || name.front() == '.') return bad("starts with - or .");
  if (!std::all_of(name.begin(), name.end(), is_name_char)) return bad("has a character that is not allowed");
  return {};
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > k_nearest_chars_max) return std::nullopt;
  const std::string wanted = to_lower_ascii(word);
  const std::string* best = nullptr;
  const std::string* continued = nullptr;
  std::size_t continued_count = 0;
  std::size_t best_slips = wanted.size() / 3 + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > k_nearest_chars_max) continue;
    const std::string known = to_lower_ascii(candidate);
    if (known.starts_with(wanted)) {
      continued = &candidate;
      ++continued_count;
    }
    const std::size_t slips = slips_between(wanted, known);
    if (slips < best_slips) {
      best_slips = slips;
      best = &candidate;
    }
  }
  if (best == nullptr && continued_count == 1) best = continued;
  return best == nullptr ? std::nullopt : std::optional<std::string>(*best);
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = trim(text.substr(0, end));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string to_lower_ascii(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), lower_ascii);
  return lower;
}

// Eight bytes at a time, the last of them perhaps twice: header names are compared often.
bool same_letters(const char* left, const char* right, std::size_t size) {
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) {
      if (!same_but_for_case(word_at<std::uint64_t>(left + at), word_at<std::uint64_t>(right + at))) return false;
    }
    const std::size_t last = size - 8;
    return same_but_for_case(word_at<std::uint64_t>(left + last), word_at<std::uint64_t>(right + last));
  }
  if (size >= 4) {
    const std::size_t last = size - 4;
    return same_but_for_case(word_at<std::uint32_t>(left), word_at<std::uint32_t>(right)) &&
           same_but_for_case(word_at<std::uint32_t>(left + last), word_at<std::uint32_t>(right + last));
  }
  for (std::size_t at = 0; at < size; ++at) {
    if (lower_ascii(left[at]) != lower_ascii(right[at])) return false;
  }
  return true;
}

}  // namespace cr::base
