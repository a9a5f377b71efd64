// Numbers as memcached's text protocol reads them.
//
// memcached reads with strtoul and friends and then cuts the result to its width, so "+5" and "5\t"
// are fine, "-1" is not an unsigned number, and 4294967297 is a 32-bit 1. Plain short digits,
// nearly always all there is, are read here at once. Source: memcached 1.6, util.c.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln::memcache {

// Understands up to nine digits, and nothing else.
inline bool ReadShort(std::string_view text, uint32_t* number) {
  constexpr size_t kSafeDigits = 9;
  if (text.size() == 1) [[likely]] {
    *number = static_cast<uint32_t>(text[0] - '0');
    return *number <= 9;
  }
  if (text.empty() || text.size() > kSafeDigits) return false;
  uint32_t value = 0;
  for (char c : text) {
    unsigned digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  *number = value;
  return true;
}

bool ReadAnyUint64(std::string_view text, uint64_t* number);
bool ReadAnyInt32(std::string_view text, int32_t* number);

// Each stores the number and returns true, or returns false when the text is none.

// Also reads an item's value, which may go on behind a space: "12 " and "12 apples" are 12.
inline bool ReadUint64(std::string_view text, uint64_t* number) {
  uint32_t small = 0;
  if (!ReadShort(text, &small)) return ReadAnyUint64(text, number);
  *number = small;
  return true;
}

inline bool ReadUint32(std::string_view text, uint32_t* number) {
  if (ReadShort(text, number)) [[likely]]
    return true;
  uint64_t wide = 0;
  bool is_number = ReadAnyUint64(text, &wide);
  *number = static_cast<uint32_t>(wide);
  return is_number;
}

inline bool ReadInt32(std::string_view text, int32_t* number) {
  uint32_t small = 0;
  if (!ReadShort(text, &small)) [[unlikely]]
    return ReadAnyInt32(text, number);
  *number = static_cast<int32_t>(small);
  return true;
}

}  // namespace kiln::memcache
