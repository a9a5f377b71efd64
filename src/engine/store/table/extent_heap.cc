#include "engine/store/table/extent_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace kiln {
namespace {

constexpr size_t kRunsPerChunk = kChunkBytes / (ExtentHeap::kPagesPerRun * kPageBytes);

}  // namespace

uint64_t* ExtentHeap::BitmapOf(const Run* run) {
  auto address = reinterpret_cast<uintptr_t>(run);
  uintptr_t chunk = address & ~(kChunkBytes - 1);
  size_t index = (address - chunk) / sizeof(Run);
  auto* bitmaps = reinterpret_cast<uint64_t*>(chunk + kRunsPerChunk * sizeof(Run));
  return bitmaps + index * kWords;
}

ExtentHeap::Extent ExtentHeap::FindExtent(const uint64_t* bitmap, size_t lines, size_t* longest) {
  Extent best{0, 0};
  *longest = 0;
  size_t start = 0;
  size_t length = 0;
  auto close = [&] {
    *longest = std::max(*longest, length);
    if (length >= lines && (best.length == 0 || length < best.length)) best = {start, length};
    length = 0;
  };
  for (size_t word = 0; word < kWords; ++word) {
    uint64_t used = bitmap[word];
    for (size_t bit = 0; bit < 64;) {
      auto free = static_cast<size_t>(std::countr_zero(used >> bit));
      free = std::min(free, 64 - bit);
      if (free > 0) {
        if (length == 0) start = word * 64 + bit;
        length += free;
        bit += free;
      }
      if (bit == 64) break;
      close();
      bit += static_cast<size_t>(std::countr_one(used >> bit));
    }
  }
  close();
  return best;
}

void ExtentHeap::Mark(uint64_t* bitmap, size_t start, size_t lines, bool used) {
  for (size_t at = start; at < start + lines;) {
    size_t bit = at % 64;
    size_t count = std::min(64 - bit, start + lines - at);
    uint64_t mask = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
    bitmap[at / 64] = used ? bitmap[at / 64] | mask : bitmap[at / 64] & ~mask;
    at += count;
  }
}

void ExtentHeap::File(Run* run) {
  size_t longest = 0;
  FindExtent(BitmapOf(run), 1, &longest);
  run->size_class = static_cast<uint8_t>(std::min(longest, kLongest));
  Run*& head = by_longest_[run->size_class];
  run->previous = nullptr;
  run->next = head;
  if (head != nullptr) head->previous = run;
  head = run;
}

void ExtentHeap::Unfile(Run* run) {
  (run->previous != nullptr ? run->previous->next : by_longest_[run->size_class]) = run->next;
  if (run->next != nullptr) run->next->previous = run->previous;
}

Run* ExtentHeap::AddRun() {
  Run* run = pool_.Allocate();
  run->used = 0;
  std::memset(BitmapOf(run), 0, kWords * sizeof(uint64_t));
  File(run);
  return run;
}

Run* ExtentHeap::TightestRun(size_t lines, Extent* extent) {
  constexpr size_t kMaxTries = 16;  // of runs that may or may not have a long enough extent
  size_t tries = 0;
  for (size_t list = std::min(lines, kLongest); list <= kLongest; ++list) {
    for (Run* run = by_longest_[list]; run != nullptr && tries < kMaxTries;
         run = run->next, ++tries) {
      size_t longest = 0;
      *extent = FindExtent(BitmapOf(run), lines, &longest);
      if (extent->length != 0) return run;
    }
  }
  *extent = {0, kLinesPerRun};
  return AddRun();
}

void* ExtentHeap::Allocate(size_t lines) {
  KILN_DCHECK(lines > 0 && lines <= kMaxLines);
  Extent extent{0, 0};
  Run* run = TightestRun(lines, &extent);
  Unfile(run);
  Mark(BitmapOf(run), extent.start, lines, true);
  run->used = static_cast<uint16_t>(run->used + lines);
  File(run);
  used_lines_ += lines;
  return run->memory + extent.start * kLineBytes;
}

void ExtentHeap::Free(void* memory, size_t lines) {
  Run* run = pool_.RunOf(memory);
  auto start = static_cast<size_t>(static_cast<char*>(memory) - run->memory) / kLineBytes;
  Unfile(run);
  Mark(BitmapOf(run), start, lines, false);
  run->used = static_cast<uint16_t>(run->used - lines);
  used_lines_ -= lines;
  bool keep_one = by_longest_[kLongest] == nullptr;
  if (run->used == 0 && !keep_one) return pool_.Free(run);
  File(run);
}

}  // namespace kiln
