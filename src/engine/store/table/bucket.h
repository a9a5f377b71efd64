// A bucket: one cache line of eight slots, each a 48-bit pointer with 16 bits of hash on top. Zero
// is an empty slot. A pointer's lowest bit is free for the entry's mark (table.h).
//
// Thread safety: none, but Match may run on a bucket that another thread writes: its answer is then
// only a hint.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace kiln {

constexpr size_t kSlotsPerBucket = 8;
constexpr uint64_t kPointerMask = (uint64_t{1} << 48) - 1;
constexpr uint64_t kMarkBit = 1;

struct alignas(64) Bucket {
  uint64_t slots[kSlotsPerBucket];
};

inline uint64_t PackSlot(const void* entry, uint16_t tag) {
  return reinterpret_cast<uintptr_t>(entry) | uint64_t{tag} << 48;
}
inline void* SlotEntry(uint64_t slot) {
  return reinterpret_cast<void*>(slot & (kPointerMask ^ kMarkBit));
}
inline uint16_t SlotTag(uint64_t slot) {
  return static_cast<uint16_t>(slot >> 48);
}

// The slots whose tag is `tag`, as a mask with bit 4 * i + 3 for slot i. Empty slots match tag 0.
__attribute__((no_sanitize("thread"))) inline uint32_t MatchTags(const Bucket& bucket,
                                                                 uint16_t tag) {
#ifdef __SSE2__
  const auto* words = reinterpret_cast<const __m128i*>(bucket.slots);
  __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
  __m128i low = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(words), wanted),
                                _mm_cmpeq_epi16(_mm_load_si128(words + 1), wanted));
  __m128i high = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(words + 2), wanted),
                                 _mm_cmpeq_epi16(_mm_load_si128(words + 3), wanted));
  auto mask = static_cast<uint32_t>(_mm_movemask_epi8(low)) |
              static_cast<uint32_t>(_mm_movemask_epi8(high)) << 16;
  return mask & 0x88888888u;
#else
  uint32_t mask = 0;
  for (size_t i = 0; i < kSlotsPerBucket; ++i) {
    if (SlotTag(bucket.slots[i]) == tag) mask |= 8u << (4 * i);
  }
  return mask;
#endif
}

// The slot of the lowest bit of a mask from MatchTags.
inline size_t FirstMatch(uint32_t mask) {
  return static_cast<size_t>(__builtin_ctz(mask)) / 4;
}

// Where an entry was seen, for whoever looks for it a little later. Never more than a hint:
// Table::FindSeen tells.
struct TableHint {
  const Bucket* home = nullptr;  // null: nothing is known
  const Bucket* next = nullptr;
  const uint64_t* slot = nullptr;  // null: it was in neither bucket
  const std::atomic<uint32_t>* table_version = nullptr;
  uint32_t version = 0;  // what that was
  uint16_t tag = 0;
  uint16_t owner = 0;  // the table's, who gave it
};

// Index of an empty slot, or kSlotsPerBucket.
inline size_t EmptySlot(const Bucket& bucket) {
  for (uint32_t mask = MatchTags(bucket, 0); mask != 0; mask &= mask - 1) {
    size_t i = FirstMatch(mask);
    if (bucket.slots[i] == 0) return i;
  }
  return kSlotsPerBucket;
}

}  // namespace kiln
