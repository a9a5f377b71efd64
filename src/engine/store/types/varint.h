// Lengths inside records: little-endian base 128, seven bits a byte, the high bit says that more
// follow. Trusted memory only (our own records), so nothing is checked here. Pure functions; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln {

inline size_t VarintBytes(uint64_t value) {
  size_t bytes = 1;
  while (value >= 0x80) value >>= 7, ++bytes;
  return bytes;
}

// Returns the first byte after what was written.
inline uint8_t* PutVarint(uint64_t value, uint8_t* out) {
  while (value >= 0x80) {
    *out++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<uint8_t>(value);
  return out;
}

// Returns the first byte after what was read.
inline const uint8_t* GetVarint(const uint8_t* in, uint64_t* value) {
  *value = *in & 0x7f;
  for (int shift = 7; *in++ & 0x80; shift += 7)
    *value |= static_cast<uint64_t>(*in & 0x7f) << shift;
  return in;
}

}  // namespace kiln
