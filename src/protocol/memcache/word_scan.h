// Where a word of a request's line ends, found 16 bytes at a time.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace kiln::memcache {

// Where spaces, line ends and control characters are among the 16 bytes at `at`, as a bit mask.
inline unsigned BlanksAndControls(const char* at) {
#ifdef __SSE2__
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(' ')), bytes)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= unsigned{static_cast<unsigned char>(at[i]) <= ' '} << i;
  return mask;
#endif
}

// The first such byte from `at` on, or null. At least 16 bytes must lie before `end`.
[[gnu::always_inline]] inline const char* PassWord(const char* at, const char* end) {
  constexpr ptrdiff_t kBlock = 16;
  for (; end - at >= kBlock; at += kBlock) {
    unsigned mask = BlanksAndControls(at);
    if (mask != 0) return at + __builtin_ctz(mask);
  }
  unsigned mask = BlanksAndControls(end - kBlock) >> (kBlock - (end - at));
  return mask == 0 ? nullptr : at + __builtin_ctz(mask);
}

}  // namespace kiln::memcache
