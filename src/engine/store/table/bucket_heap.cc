#include "engine/store/table/bucket_heap.h"

#include <cstring>
#include <mutex>

#include "base/memory.h"
#include "engine/store/table/bucket.h"
#include "engine/store/table/extent_heap.h"

namespace kiln {
namespace {

struct SharedHeap {
  std::mutex mutex;
  PagePool pool{ExtentHeap::kPagesPerRun};
  ExtentHeap heap{pool};

  void* Allocate(size_t bytes);  // undefined bytes
  void Free(void* memory, size_t bytes);
  size_t UsedBytes();
};

// Never destroyed: tables may outlive main's statics.
template <class Purpose>
SharedHeap& Heap() {
  alignas(SharedHeap) static char storage[sizeof(SharedHeap)];
  static SharedHeap& heap = *::new (storage) SharedHeap;
  return heap;
}

using Word = std::atomic<uint64_t>;

size_t LinesFor(size_t bytes) {
  return (bytes + ExtentHeap::kLineBytes - 1) / ExtentHeap::kLineBytes;
}

void* SharedHeap::Allocate(size_t bytes) {
  size_t lines = LinesFor(bytes);
  CountBytes(static_cast<long long>(lines * ExtentHeap::kLineBytes));
  std::lock_guard<std::mutex> lock(mutex);
  return heap.Allocate(lines);
}

void SharedHeap::Free(void* memory, size_t bytes) {
  size_t lines = LinesFor(bytes);
  CountBytes(-static_cast<long long>(lines * ExtentHeap::kLineBytes));
  std::lock_guard<std::mutex> lock(mutex);
  heap.Free(memory, lines);
}

size_t SharedHeap::UsedBytes() {
  std::lock_guard<std::mutex> lock(mutex);
  return heap.used_bytes();
}

}  // namespace

void* AllocateBuckets(size_t bytes) {
  return std::memset(Heap<Bucket>().Allocate(bytes), 0, bytes);
}

void FreeBuckets(void* memory, size_t bytes) {
  Heap<Bucket>().Free(memory, bytes);
}

Word* AllocateDirectory(size_t words) {
  auto* directory = static_cast<Word*>(Heap<Word>().Allocate(words * sizeof(Word)));
  for (size_t i = 0; i < words; ++i) directory[i].store(0, std::memory_order_relaxed);
  return directory;
}

void FreeDirectory(Word* directory, size_t words) {
  Heap<Word>().Free(directory, words * sizeof(Word));
}

size_t BucketHeapUsedBytes() {
  return Heap<Bucket>().UsedBytes() + Heap<Word>().UsedBytes();
}

size_t BucketHeapResidentBytes() {
  return Heap<Bucket>().pool.resident_bytes() + Heap<Word>().pool.resident_bytes();
}

}  // namespace kiln
