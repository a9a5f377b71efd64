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
  // The ends overlap where the size is no multiple of the word's.
  auto copy_ends = [&]<class Word>(Word head) {
    Word tail;
    std::memcpy(&head, from.data(), sizeof(Word));
    std::memcpy(&tail, from.data() + size - sizeof(Word), sizeof(Word));
    std::memcpy(to, &head, sizeof(Word));
    std::memcpy(to + size - sizeof(Word), &tail, sizeof(Word));
  };
  struct Words {
    uint64_t low, high;
  };
  if (size > 64) {
    std::memcpy(to, from.data(), size);
  } else if (size >= 16) {
    if (size > 32) {
      std::memcpy(to + 16, from.data() + 16, 16);
      std::memcpy(to + size - 32, from.data() + size - 32, 16);
    }
    copy_ends(Words{});
  } else if (size >= 8) {
    copy_ends(uint64_t{});
  } else if (size >= 4) {
    copy_ends(uint32_t{});
  } else if (size > 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

}  // namespace kiln
