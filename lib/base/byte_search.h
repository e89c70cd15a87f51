// SPDX-License-Identifier: MIT
// Finds the few bytes that matter in long text, 16 at a time where the machine can (SSE2 is part of x86-64). All
// return `end` if there is none, and never read at or past `end`. Pure; any thread.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cr::base {

#if defined(__SSE2__)
inline int match_string_stop(__m128i bytes) {
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}
inline int match_line_end(__m128i bytes) {
  const __m128i feed = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
  return _mm_movemask_epi8(_mm_or_si128(feed, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'))));
}
inline int match_control(__m128i bytes) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  return _mm_movemask_epi8(_mm_andnot_si128(tab, _mm_or_si128(low, del)));
}
#endif

// What may not stand in a header line: 00 to 1F but HTAB, and DEL.
constexpr bool is_line_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

// What ends a plain run inside a JSON string: a quote, a backslash or a control byte.
inline const char* find_string_stop(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const int found = match_string_stop(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
  }
#endif
  while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

// The next LF or CR.
inline const char* find_line_end(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const int found = match_line_end(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
  }
#endif
  while (at != end && *at != '\n' && *at != '\r') ++at;
  return at;
}

// The next byte that is_line_control().
inline const char* find_line_control(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const int found = match_control(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
  }
#endif
  while (at != end && !is_line_control(*at)) ++at;
  return at;
}

}  // namespace cr::base
