#include "engine/store/table/segment.h"

#include <algorithm>

#include "engine/store/table/bucket_heap.h"

namespace kiln {
namespace {

// How far an insert may push others along. Past that the segment is as good as full.
constexpr size_t kMaxPush = 8;

bool PutIn(Bucket& bucket, uint64_t slot) {
  size_t index = EmptySlot(bucket);
  if (index == kSlotsPerBucket) return false;
  bucket.slots[index] = slot;
  return true;
}

}  // namespace

size_t BucketsFor(size_t entries) {
  size_t count = (entries * 10 + 63) / 64;
  return std::clamp<size_t>(count, 1, kMaxSegmentBuckets);
}

size_t NextBucketCount(size_t count) {
  if (count >= kMaxSegmentBuckets) return 0;
  return std::min(kMaxSegmentBuckets, count + std::max<size_t>(1, count / 8));
}

bool Segment::Place(uint64_t slot) {
  size_t home = HomeOf(SlotTag(slot));
  if (PutIn(buckets()[home], slot)) return true;
  if (count() == 1) return false;
  if (PutIn(buckets()[After(home)], slot)) return true;
  return PushAlong(home, slot) != kNowhere;
}

// Buckets fill from their first slot on, so knowing how many are taken saves looking.
bool Segment::Fill(std::span<const uint64_t> slots) {
  uint8_t taken[kMaxSegmentBuckets] = {};
  for (uint64_t slot : slots) {
    size_t home = HomeOf(SlotTag(slot));
    size_t bucket = taken[home] < kSlotsPerBucket ? home : After(home);
    if (taken[bucket] < kSlotsPerBucket) [[likely]] {
      buckets()[bucket].slots[taken[bucket]++] = slot;
      continue;
    }
    bucket = count() == 1 ? kNowhere : PushAlong(home, slot);
    if (bucket == kNowhere) return false;
    ++taken[bucket];
  }
  return true;
}

// Finds the nearest bucket with room ahead and moves, from the far end, one entry a step that is
// still in its home.
size_t Segment::PushAlong(size_t home, uint64_t slot) {
  size_t path[kMaxPush + 1];
  size_t length = 0;
  path[length++] = After(home);
  size_t reach = std::min(kMaxPush, count() - 2);
  while (true) {
    if (length > reach) return kNowhere;
    size_t next = After(path[length - 1]);
    path[length++] = next;
    if (EmptySlot(buckets()[next]) != kSlotsPerBucket) break;
  }
  for (size_t step = length - 1; step > 0; --step) {
    Bucket& from = buckets()[path[step - 1]];
    size_t mover = 0;
    while (mover < kSlotsPerBucket && HomeOf(SlotTag(from.slots[mover])) != path[step - 1]) ++mover;
    if (mover == kSlotsPerBucket) return kNowhere;
    PutIn(buckets()[path[step]], from.slots[mover]);
    from.slots[mover] = 0;
  }
  PutIn(buckets()[path[0]], slot);
  return path[length - 1];
}

size_t Segment::Collect(uint64_t* out) const {
  size_t entries = 0;
  for (size_t bucket = 0; bucket < count(); ++bucket) {
    for (uint64_t slot : buckets()[bucket].slots) {
      if (slot != 0) out[entries++] = slot;
    }
  }
  return entries;
}

Segment Segment::Allocate(size_t count, unsigned depth) {
  return Segment(static_cast<Bucket*>(AllocateBuckets(count * sizeof(Bucket))), count, depth);
}

void Segment::Free() {
  FreeBuckets(buckets(), count() * sizeof(Bucket));
}

}  // namespace kiln
