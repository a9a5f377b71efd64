#include "base/memory.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#ifdef KILN_MIMALLOC
#include <mimalloc.h>
#endif

namespace kiln {
namespace {

#ifdef KILN_MIMALLOC
void* RawAllocate(size_t bytes) {
  return mi_malloc(bytes);
}
void* RawReallocate(void* memory, size_t bytes) {
  return mi_realloc(memory, bytes);
}
void RawFree(void* memory) {
  mi_free(memory);
}
size_t RawUsable(const void* memory) {
  return mi_usable_size(memory);
}
#else
void* RawAllocate(size_t bytes) {
  return std::malloc(bytes);
}
void* RawReallocate(void* memory, size_t bytes) {
  return std::realloc(memory, bytes);
}
void RawFree(void* memory) {
  std::free(memory);
}
size_t RawUsable(const void* memory) {
  return malloc_usable_size(const_cast<void*>(memory));
}
#endif

// One counter a thread slot, each on its own cache line. Threads share a slot only past kSlots,
// which is still correct because a slot is atomic; with one writer the add is an uncontended,
// unlocked load and store.
constexpr int kSlots = 128;
struct alignas(64) Slot {
  std::atomic<long long> bytes{0};
};
constinit Slot slots[kSlots];
constinit std::atomic<int> next_slot{0};
constinit thread_local Slot* own_slot = nullptr;

Slot* OwnSlot() {
  if (__builtin_expect(own_slot == nullptr, 0)) {
    own_slot = &slots[next_slot.fetch_add(1, std::memory_order_relaxed) % kSlots];
  }
  return own_slot;
}

void Count(long long bytes) {
  OwnSlot()->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

[[noreturn]] void OutOfMemory() {
  std::abort();
}

}  // namespace

void* AllocateBytes(size_t bytes) {
  void* memory = RawAllocate(bytes);
  if (memory == nullptr) OutOfMemory();
  Count(static_cast<long long>(RawUsable(memory)));
  return memory;
}

void* ReallocateBytes(void* memory, size_t bytes) {
  long long before = memory == nullptr ? 0 : static_cast<long long>(RawUsable(memory));
  void* moved = RawReallocate(memory, bytes);
  if (moved == nullptr) OutOfMemory();
  Count(static_cast<long long>(RawUsable(moved)) - before);
  return moved;
}

void FreeBytes(void* memory) {
  if (memory == nullptr) return;
  Count(-static_cast<long long>(RawUsable(memory)));
  RawFree(memory);
}

size_t UsableBytes(const void* memory) {
  return RawUsable(memory);
}

size_t GoodSizeBytes(size_t bytes) {
#ifdef KILN_MIMALLOC
  return mi_good_size(bytes);
#else
  return (bytes + 15) & ~size_t{15};
#endif
}

void CountBytes(long long bytes) {
  Count(bytes);
}

size_t AllocatedBytes() {
  long long total = 0;
  int used = std::min(next_slot.load(std::memory_order_relaxed), kSlots);
  for (int i = 0; i < used; ++i) total += slots[i].bytes.load(std::memory_order_relaxed);
  return total < 0 ? 0 : static_cast<size_t>(total);
}

void ReleaseUnusedMemory() {
#ifdef KILN_MIMALLOC
  mi_collect(true);
#else
  malloc_trim(0);
#endif
}

}  // namespace kiln

void* operator new(size_t bytes) {
  return kiln::AllocateBytes(bytes);
}
void* operator new[](size_t bytes) {
  return kiln::AllocateBytes(bytes);
}
// The standard library's own would do, were it not for sanitizers, which replace these too.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return kiln::AllocateBytes(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return kiln::AllocateBytes(bytes);
}
void operator delete(void* memory) noexcept {
  kiln::FreeBytes(memory);
}
void operator delete[](void* memory) noexcept {
  kiln::FreeBytes(memory);
}
void operator delete(void* memory, size_t) noexcept {
  kiln::FreeBytes(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  kiln::FreeBytes(memory);
}
