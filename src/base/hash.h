// The hash of keys, fields and members: XXH3 with a secret drawn at process start, so that nobody
// outside can choose colliding keys. Source: https://github.com/Cyan4973/xxHash,
// doc/xxhash_spec.md.
#pragma once

#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kiln {

// The process's secret; constant after the first use. Any thread.
extern const uint64_t kHashSeed;

inline uint64_t HashBytes(std::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), kHashSeed);
}

}  // namespace kiln
