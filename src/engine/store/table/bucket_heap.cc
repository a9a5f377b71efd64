#include "engine/store/table/bucket_heap.h"

#include <cstring>
#include <mutex>

#include "base/memory.h"
#include "engine/store/table/extent_heap.h"

namespace kiln {
namespace {

struct BucketHeap {
  std::mutex mutex;
  PagePool pool{ExtentHeap::kPagesPerRun};
  ExtentHeap heap{pool};
};

// Never destroyed: tables may outlive main's statics.
BucketHeap& Heap() {
  alignas(BucketHeap) static char storage[sizeof(BucketHeap)];
  static BucketHeap& heap = *::new (storage) BucketHeap;
  return heap;
}

size_t LinesFor(size_t bytes) {
  return (bytes + ExtentHeap::kLineBytes - 1) / ExtentHeap::kLineBytes;
}

}  // namespace

void* AllocateBuckets(size_t bytes) {
  BucketHeap& shared = Heap();
  size_t lines = LinesFor(bytes);
  CountBytes(static_cast<long long>(lines * ExtentHeap::kLineBytes));
  void* memory;
  {
    std::lock_guard<std::mutex> lock(shared.mutex);
    memory = shared.heap.Allocate(lines);
  }
  std::memset(memory, 0, lines * ExtentHeap::kLineBytes);
  return memory;
}

void FreeBuckets(void* memory, size_t bytes) {
  BucketHeap& shared = Heap();
  size_t lines = LinesFor(bytes);
  CountBytes(-static_cast<long long>(lines * ExtentHeap::kLineBytes));
  std::lock_guard<std::mutex> lock(shared.mutex);
  shared.heap.Free(memory, lines);
}

size_t BucketHeapUsedBytes() {
  BucketHeap& shared = Heap();
  std::lock_guard<std::mutex> lock(shared.mutex);
  return shared.heap.used_bytes();
}

size_t BucketHeapResidentBytes() {
  return Heap().pool.resident_bytes();
}

}  // namespace kiln
