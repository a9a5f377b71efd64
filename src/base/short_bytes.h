// Comparing and copying short runs of bytes without a call.
//
// Keys and values are mostly 8 to 64 bytes long: two or a few overlapping loads do it. Longer runs
// go to the library.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace kiln {

// Whether the bytes at `a` are those of `b`: without any call, so meant for up to 128 or so.
[[gnu::always_inline]] inline bool EqualShortBytes(const char* a, std::string_view b) {
  size_t size = b.size();
  auto differ = [&]<class Word>(size_t at, Word) -> uint64_t {
    Word x;
    Word y;
    std::memcpy(&x, a + at, sizeof(Word));
    std::memcpy(&y, b.data() + at, sizeof(Word));
    return x ^ y;
  };
  if (size >= 8) [[likely]] {
    uint64_t difference = differ(size - 8, uint64_t{});
    for (size_t at = 0; at + 8 < size; at += 8) difference |= differ(at, uint64_t{});
    return difference == 0;
  }
  if (size >= 4) return (differ(0, uint32_t{}) | differ(size - 4, uint32_t{})) == 0;
  for (size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

// The same for any size.
inline bool EqualBytes(const char* a, std::string_view b) {
  constexpr size_t kShort = 32;
  return b.size() <= kShort ? EqualShortBytes(a, b) : std::memcmp(a, b.data(), b.size()) == 0;
}

// Copies up to 64 bytes that do not overlap, without any call.
[[gnu::always_inline]] inline void CopyShortBytes(char* to, std::string_view from) {
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
  if (size >= 16) {
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

// The same for any size.
[[gnu::always_inline]] inline void CopyBytes(char* to, std::string_view from) {
  if (from.size() > 64) {
    std::memcpy(to, from.data(), from.size());
  } else {
    CopyShortBytes(to, from);
  }
}

}  // namespace kiln
