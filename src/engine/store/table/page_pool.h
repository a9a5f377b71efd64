// Page pool: address space for slab runs, taken from the system in 2 MiB chunks and never unmapped.
//
// A run is a fixed number of 4 KiB pages. Because a chunk is never unmapped, a reader that follows
// a stale pointer into one reads old bytes or zeros but never faults. The batch executor's unlocked
// prefetch pass relies on that. Free runs past a reserve give their pages back to the system
// (MADV_DONTNEED) and keep their addresses.
//
// Thread safety: all functions may be called from any thread; each pool has one mutex, taken once a
// run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace kiln {

constexpr size_t kPageBytes = 4096;
constexpr size_t kChunkBytes = size_t{2} << 20;

// Bookkeeping of one run, kept at the start of its chunk so that the run's own memory is all
// payload.
struct Run {
  Run* next;
  Run* previous;
  char* memory;
  uint16_t free_head;  // offset / 8 of the first free object, or kNoFreeObject
  uint16_t bump;       // offset / 8 of the first never used object
  uint16_t used;       // objects in use
  uint8_t size_class;
  bool purged;  // pages were given back; they read as zero
};
static_assert(sizeof(Run) == 32);

constexpr uint16_t kNoFreeObject = 0xffff;

class PagePool {
 public:
  explicit PagePool(size_t pages_per_run) : pages_per_run_(pages_per_run) {}
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A run with `memory` set and the other fields undefined. Never null.
  Run* Allocate();
  void Free(Run* run);

  // The run that holds this address, which must lie in a run of this pool.
  Run* RunOf(const void* address) const {
    auto value = reinterpret_cast<uintptr_t>(address);
    uintptr_t chunk = value & ~(kChunkBytes - 1);
    size_t index = ((value - chunk) / kPageBytes) / pages_per_run_;
    return reinterpret_cast<Run*>(chunk) + index;
  }

  size_t run_bytes() const { return pages_per_run_ * kPageBytes; }
  // Heaps tell by how much the bytes of their objects have changed, at least when they take or give
  // a run.
  void CountObjects(std::ptrdiff_t bytes) {
    object_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  // Bytes of the runs handed out that hold no object, as far as the heaps have told.
  size_t slack_bytes() const {
    auto objects = object_bytes_.load(std::memory_order_relaxed);
    auto used = static_cast<std::ptrdiff_t>(used_bytes());
    return used > objects ? static_cast<size_t>(used - objects) : 0;
  }

  // Bytes of runs handed out; free runs that still hold pages come on top.
  size_t used_bytes() const { return used_runs_.load(std::memory_order_relaxed) * run_bytes(); }
  size_t resident_bytes() const {
    return used_bytes() + dirty_free_runs_.load(std::memory_order_relaxed) * run_bytes();
  }

 private:
  void AddChunk();

  const size_t pages_per_run_;
  std::mutex mutex_;
  Run* free_ = nullptr;
  std::atomic<size_t> used_runs_{0};
  std::atomic<size_t> dirty_free_runs_{0};
  std::atomic<std::ptrdiff_t> object_bytes_{0};
};

}  // namespace kiln
