#include "engine/store/table/bucket_heap.h"

#include <cstring>
#include <mutex>

#include "base/memory.h"
#include "engine/store/table/slab_heap.h"

namespace kiln {
namespace {

struct BucketHeap {
  std::mutex mutex;
  PagePool pool{16};
  SlabHeap heap{pool, BucketSizeClasses()};
};

// Never destroyed: tables may outlive main's statics.
BucketHeap& Heap() {
  static BucketHeap& heap = *new BucketHeap;
  return heap;
}

}  // namespace

void* AllocateBuckets(size_t bytes) {
  BucketHeap& shared = Heap();
  void* memory;
  {
    std::lock_guard<std::mutex> lock(shared.mutex);
    memory = shared.heap.Allocate(bytes);
  }
  CountBytes(static_cast<long long>(shared.heap.GoodSizeBytes(bytes)));
  std::memset(memory, 0, bytes);
  return memory;
}

void FreeBuckets(void* memory) {
  BucketHeap& shared = Heap();
  std::lock_guard<std::mutex> lock(shared.mutex);
  CountBytes(-static_cast<long long>(shared.heap.Free(memory)));
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
