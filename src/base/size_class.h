// The size classes of the process allocator, computed instead of asked for: a call into it costs
// as much as a small command.
//
// jemalloc has classes 16 bytes apart up to 128 (and one of 8), then four in each doubling. Pure
// functions; any thread. Source: jemalloc 5, include/jemalloc/internal/sz.h.
#pragma once

#include <bit>
#include <cstddef>

namespace kiln {

// What a block allocated for `bytes` holds; with another allocator, what it holds at least.
constexpr size_t SizeClassBytes(size_t bytes) {
#ifdef KILN_JEMALLOC
  if (bytes <= 8) return 8;
  if (bytes <= 128) return (bytes + 15) & ~size_t{15};
  int shift = std::bit_width(bytes - 1) - 3;
  return (((bytes - 1) >> shift) + 1) << shift;
#else
  return bytes;
#endif
}

}  // namespace kiln
