// How a listpack's entries are encoded: for the files that implement Listpack, nobody else.
//
// An entry starts with one of the bytes below and ends with its own length, written to be read
// backwards. Pure functions over
// bytes that are known to be sound.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/store/types/element.h"

namespace kiln::listpack {

static_assert(std::endian::native == std::endian::little,
              "integers are copied as they lie in memory");

constexpr uint8_t kEnd = 0xFF;
constexpr uint16_t kUnknownCount = 0xFFFF;

// First bytes of entries. A short integer or text keeps the rest of the byte for itself.
constexpr uint8_t kInt13 = 0xC0;
constexpr uint8_t kText6 = 0x80;
constexpr uint8_t kText12 = 0xE0;
constexpr uint8_t kText32 = 0xF0;
constexpr uint8_t kInt16 = 0xF1;
constexpr uint8_t kInt24 = 0xF2;
constexpr uint8_t kInt32 = 0xF3;
constexpr uint8_t kInt64 = 0xF4;

template <typename T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename T>
inline void Store(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

// Bytes of the back length. That 2^14-1 and its like take one byte more than they need is part of
// the format.
inline uint32_t BackBytes(uint64_t entry_bytes) {
  if (entry_bytes <= 127) return 1;
  if (entry_bytes < (1u << 14) - 1) return 2;
  if (entry_bytes < (1u << 21) - 1) return 3;
  if (entry_bytes < (1u << 28) - 1) return 4;
  return 5;
}

// Bytes that tell the encoding and length, or 0 for a byte that starts no entry.
inline uint32_t HeadBytes(uint8_t first) {
  if (first < kInt13) return 1;
  if (first < kText32) return 2;
  switch (first) {
    case kText32:
      return 5;
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 0;
  }
}

// Bytes of the text behind the head; integers lie in the head.
inline uint64_t TextBytes(const uint8_t* entry) {
  uint8_t first = entry[0];
  if ((first & 0xC0) == kText6) return first & 0x3F;
  if ((first & 0xF0) == kText12) return (first & 0x0F) << 8 | entry[1];
  if (first == kText32) return Load<uint32_t>(entry + 1);
  return 0;
}

// Bytes of an entry up to its back length.
inline uint64_t FrontBytes(const uint8_t* entry) {
  return HeadBytes(entry[0]) + TextBytes(entry);
}

// Short integers and texts, which most entries are, come first.
inline uint64_t EntryBytes(const uint8_t* entry) {
  uint8_t first = entry[0];
  if (first < kText6) return 2;
  if (first < kInt13) return 2 + (first & 0x3F);
  uint64_t front = FrontBytes(entry);
  return front + BackBytes(front);
}

// Writes seven bits a byte, the lowest last; all but the first byte are marked so that a reader
// going left goes on.
inline void WriteBack(uint8_t* to, uint64_t entry_bytes, uint32_t back_bytes) {
  for (uint32_t i = back_bytes; i-- > 0; entry_bytes >>= 7) {
    to[i] = (entry_bytes & 0x7F) | (i > 0 ? 0x80 : 0);
  }
}

// Reads the back length whose last byte lies just before `end`.
inline uint64_t ReadBack(const uint8_t* end) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    uint8_t byte = *--end;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

inline int64_t DecodeInteger(const uint8_t* entry) {
  uint8_t first = entry[0];
  if (first < kText6) return first;
  if ((first & 0xE0) == kInt13) {
    int64_t value = (first & 0x1F) << 8 | entry[1];
    return value < 4096 ? value : value - 8192;
  }
  switch (first) {
    case kInt16:
      return Load<int16_t>(entry + 1);
    case kInt24:
      return static_cast<int32_t>(Load<uint16_t>(entry + 1) << 8 | uint32_t{entry[3]} << 24) >> 8;
    case kInt32:
      return Load<int32_t>(entry + 1);
    default:
      return Load<int64_t>(entry + 1);
  }
}

inline bool IsText(uint8_t first) {
  return (first & 0xC0) == kText6 || (first & 0xF0) == kText12 || first == kText32;
}

inline Element Decode(const uint8_t* entry) {
  Element element;
  if (IsText(entry[0])) {
    const char* text = reinterpret_cast<const char*>(entry) + HeadBytes(entry[0]);
    element.text = {text, TextBytes(entry)};
  } else {
    element.is_int = true;
    element.integer = DecodeInteger(entry);
  }
  return element;
}

}  // namespace kiln::listpack
