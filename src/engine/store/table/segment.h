// A segment: the 1 to 32 buckets that hold the entries of one hash prefix.
//
// An entry's tag is the 16 hash bits after the segment's prefix, and its home bucket is tag *
// buckets / 65536: buckets are in hash order, any bucket count works, and a segment can grow by an
// eighth without looking at its entries. An entry lies in its home bucket or the next one (round
// the end); making room may push others along, but never further. Growing in eighths keeps segments
// about 85% full whatever the number of keys; doubling would swing from 45% to 90%.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/store/table/bucket.h"

namespace kiln {

constexpr size_t kMaxSegmentBuckets = 32;
constexpr size_t kMaxSegmentEntries = kMaxSegmentBuckets * kSlotsPerBucket;

// One directory entry: where the segment's buckets are, how many, and how many hash bits its
// entries share.
class Segment {
 public:
  Segment() = default;
  Segment(Bucket* buckets, size_t count, unsigned depth)
      : word_(reinterpret_cast<uintptr_t>(buckets) | uint64_t{count} << 48 |
              uint64_t{depth} << 56) {}
  static Segment FromWord(uint64_t word) {
    Segment segment;
    segment.word_ = word;
    return segment;
  }

  uint64_t word() const { return word_; }
  Bucket* buckets() const { return reinterpret_cast<Bucket*>(word_ & kPointerMask); }
  size_t count() const { return (word_ >> 48) & 0xff; }
  unsigned depth() const { return static_cast<unsigned>(word_ >> 56); }

  uint16_t TagOf(uint64_t hash) const { return static_cast<uint16_t>((hash << depth()) >> 48); }
  size_t HomeOf(uint16_t tag) const { return (size_t{tag} * count()) >> 16; }
  size_t After(size_t bucket) const { return bucket + 1 == count() ? 0 : bucket + 1; }
  // The first tag whose home is `bucket`; 65536 past the last bucket.
  uint32_t FirstTagOf(size_t bucket) const {
    return static_cast<uint32_t>(((bucket << 16) + count() - 1) / count());
  }

  // Puts a slot into its home or the next bucket, pushing others along if it must. False when there
  // is no room nearby.
  bool Place(uint64_t slot);
  // Places the entries of a fresh segment; false when one of them finds no room nearby.
  bool Fill(std::span<const uint64_t> slots);

  // Copies all occupied slots, bucket by bucket, to `out` (kMaxSegmentEntries long); returns how
  // many.
  size_t Collect(uint64_t* out) const;

  // Allocates zeroed buckets; frees them.
  static Segment Allocate(size_t count, unsigned depth);
  void Free();

 private:
  static constexpr size_t kNowhere = ~size_t{0};

  // Returns the bucket that has one more entry now, or kNowhere.
  size_t PushAlong(size_t home, uint64_t slot);

  uint64_t word_ = 0;
};

// How many buckets `entries` want: about 80% full, at least one.
size_t BucketsFor(size_t entries);
// The next larger bucket count, or 0 when the segment must split.
size_t NextBucketCount(size_t count);

}  // namespace kiln
