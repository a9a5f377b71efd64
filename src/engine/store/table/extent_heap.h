// Extent heap: arrays of 1 to 512 cache lines, packed tightly whatever their sizes.
//
// Segments grow an eighth at a time and all at about the same pace, so size classes would leave
// behind runs of sizes that nobody wants any more. Here a run is 1,024 cache lines under a bitmap:
// what is freed joins its neighbours and serves any size. Runs are listed by their largest free
// extent; an array goes to the tightest run and, in it, to the tightest extent. Finding it takes a
// look at 16 words, once in some twenty inserts.
//
// Thread safety: none; bucket_heap.cc has the lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/store/table/page_pool.h"

namespace kiln {

class ExtentHeap {
 public:
  static constexpr size_t kLineBytes = 64;
  static constexpr size_t kPagesPerRun = 16;
  static constexpr size_t kLinesPerRun = kPagesPerRun * kPageBytes / kLineBytes;
  static constexpr size_t kMaxLines = kLinesPerRun / 2;

  // `pool` must have runs of kPagesPerRun.
  explicit ExtentHeap(PagePool& pool) : pool_(pool) {}
  ExtentHeap(const ExtentHeap&) = delete;
  ExtentHeap& operator=(const ExtentHeap&) = delete;

  // 0 < lines <= kMaxLines. Never null; the bytes are undefined.
  void* Allocate(size_t lines);
  void Free(void* memory, size_t lines);
  size_t used_bytes() const { return used_lines_ * kLineBytes; }

 private:
  static constexpr size_t kWords = kLinesPerRun / 64;
  // Extents of this many lines or more share a list.
  static constexpr size_t kLongest = 33;

  struct Extent {
    size_t start;
    size_t length;
  };

  // A run's bitmap (set: in use) lies in the part of the chunk that its Run table leaves free.
  static uint64_t* BitmapOf(const Run* run);
  // The shortest free extent of at least `lines`; length 0 when there is none. *longest is the
  // longest of all.
  static Extent FindExtent(const uint64_t* bitmap, size_t lines, size_t* longest);
  static void Mark(uint64_t* bitmap, size_t start, size_t lines, bool used);

  Run* TightestRun(size_t lines, Extent* extent);
  Run* AddRun();
  void File(Run* run);  // puts it on the list of its longest extent
  void Unfile(Run* run);

  PagePool& pool_;
  size_t used_lines_ = 0;
  Run* by_longest_[kLongest + 1] = {};
};

}  // namespace kiln
