// SPDX-License-Identifier: MIT
// Finds the few bytes that matter in long text, 16 at a time where the machine can (SSE2 is part of x86-64). All
// return `end` if there is none, and never read at or past `end`. Pure; any thread.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cr::base {

// What ends a plain run inside a JSON string: a quote, a backslash or a control byte.
struct StringStop {
  static constexpr bool is(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }
#if defined(__SSE2__)
  static int among(__m128i bytes) {
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
  }
#endif
};

// LF or CR.
struct LineEnd {
  static constexpr bool is(char c) { return c == '\n' || c == '\r'; }
#if defined(__SSE2__)
  static int among(__m128i bytes) {
    const __m128i feed = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    return _mm_movemask_epi8(_mm_or_si128(feed, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'))));
  }
#endif
};

// What may not stand in a header line: 00 to 1F but HTAB, and DEL.
struct LineControl {
  static constexpr bool is(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }
#if defined(__SSE2__)
  static int among(__m128i bytes) {
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    return _mm_movemask_epi8(_mm_andnot_si128(tab, _mm_or_si128(low, del)));
  }
#endif
};

// The first byte of the kind.
template <typename Kind>
const char* find_byte(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const int found = Kind::among(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
  }
#endif
  while (at != end && !Kind::is(*at)) ++at;
  return at;
}

}  // namespace cr::base
