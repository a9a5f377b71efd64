// Comparing and copying short runs of bytes without a call.
//
// Keys and values are mostly 8 to 64 bytes long: two or a few overlapping loads do it. Longer runs
// go to the library.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace kiln {

// Whether the bytes at `a` are those of `b`.
inline bool EqualBytes(const char* a, std::string_view b) {
  size_t size = b.size();
  if (size >= 8 && size <= 32) {
    auto differ = [&](size_t at) {
      uint64_t x;
      uint64_t y;
      std::memcpy(&x, a + at, 8);
      std::memcpy(&y, b.data() + at, 8);
      return x ^ y;
    };
    uint64_t difference = differ(0) | differ(size - 8);
    if (size > 16) difference |= differ(8) | differ(size - 16);
    return difference == 0;
  }
  return std::memcmp(a, b.data(), size) == 0;
}

// Copies bytes that do not overlap.
inline void CopyBytes(char* to, std::string_view from) {
  size_t size = from.size();
  if (size >= 16 && size <= 64) {
    struct Words {
      uint64_t low, high;
    };
    auto move = [&](size_t at) {
      Words words;
      std::memcpy(&words, from.data() + at, 16);
      std::memcpy(to + at, &words, 16);
    };
    move(0);
    if (size > 32) {
      move(16);
      move(size - 32);
    }
    move(size - 16);
    return;
  }
  std::memcpy(to, from.data(), size);
}

}  // namespace kiln
