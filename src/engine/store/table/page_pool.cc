#include "engine/store/table/page_pool.h"

#include <sys/mman.h>

#include "base/check.h"

namespace kiln {
namespace {

// Free runs that may keep their pages: an eighth of those in use, at least 1 MiB.
constexpr size_t kReserveBytes = size_t{1} << 20;
constexpr size_t kReserveFraction = 8;

char* MapChunk() {
  void* mapped = mmap(nullptr, 2 * kChunkBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  KILN_CHECK(mapped != MAP_FAILED);
  auto start = reinterpret_cast<uintptr_t>(mapped);
  uintptr_t aligned = (start + kChunkBytes - 1) & ~(kChunkBytes - 1);
  if (aligned > start) munmap(mapped, aligned - start);
  uintptr_t end = start + 2 * kChunkBytes;
  if (end > aligned + kChunkBytes) {
    munmap(reinterpret_cast<void*>(aligned + kChunkBytes), end - aligned - kChunkBytes);
  }
  return reinterpret_cast<char*>(aligned);
}

}  // namespace

void PagePool::AddChunk() {
  char* chunk = MapChunk();
  size_t runs = kChunkBytes / run_bytes();
  size_t reserved = (runs * sizeof(Run) + run_bytes() - 1) / run_bytes();
  Run* table = reinterpret_cast<Run*>(chunk);
  for (size_t i = runs; i-- > reserved;) {
    table[i].memory = chunk + i * run_bytes();
    table[i].purged = true;
    table[i].next = free_;
    free_ = &table[i];
  }
}

Run* PagePool::Allocate() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (free_ == nullptr) AddChunk();
  Run* run = free_;
  free_ = run->next;
  if (!run->purged) dirty_free_runs_.fetch_sub(1, std::memory_order_relaxed);
  run->purged = false;
  used_runs_.fetch_add(1, std::memory_order_relaxed);
  return run;
}

void PagePool::Free(Run* run) {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t used = used_runs_.fetch_sub(1, std::memory_order_relaxed) - 1;
  size_t dirty = dirty_free_runs_.load(std::memory_order_relaxed) * run_bytes();
  if (dirty > kReserveBytes && dirty > used * run_bytes() / kReserveFraction) {
    madvise(run->memory, run_bytes(), MADV_DONTNEED);
    run->purged = true;
  } else {
    dirty_free_runs_.fetch_add(1, std::memory_order_relaxed);
  }
  run->next = free_;
  free_ = run;
}

}  // namespace kiln
