#include "base/memory.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "base/size_class.h"

#ifdef KILN_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace kiln {
namespace {

#ifdef KILN_JEMALLOC
// What a block just allocated for `bytes` holds.
size_t FreshBytes(const void*, size_t bytes) {
  return SizeClassBytes(bytes);
}
void* RawAllocate(size_t bytes) {
  return mallocx(std::max<size_t>(bytes, 1), 0);
}
void* RawReallocate(void* memory, size_t bytes) {
  return memory == nullptr ? RawAllocate(bytes) : rallocx(memory, std::max<size_t>(bytes, 1), 0);
}
void RawFree(void* memory) {
  dallocx(memory, 0);
}
size_t RawUsable(const void* memory) {
  return sallocx(memory, 0);
}
#else
size_t FreshBytes(const void* memory, size_t) {
  return malloc_usable_size(const_cast<void*>(memory));
}
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

// One counter a thread, each on its own cache line: with one writer an add is a load and a store.
// Threads past the last slot share that one and add atomically.
constexpr int kSlots = 128;
struct alignas(64) Slot {
  std::atomic<long long> bytes{0};
};
constinit Slot slots[kSlots];
constinit std::atomic<int> next_slot{0};
constinit thread_local Slot* own_slot = nullptr;

Slot* TakeSlot() {
  int index = std::min(next_slot.fetch_add(1, std::memory_order_relaxed), kSlots - 1);
  return own_slot = &slots[index];
}

void Count(long long bytes) {
  Slot* slot = own_slot != nullptr ? own_slot : TakeSlot();
  if (slot == &slots[kSlots - 1]) [[unlikely]] {
    slot->bytes.fetch_add(bytes, std::memory_order_relaxed);
    return;
  }
  slot->bytes.store(slot->bytes.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

[[noreturn]] void OutOfMemory() {
  std::abort();
}

}  // namespace

void* AllocateBytes(size_t bytes) {
  void* memory = RawAllocate(bytes);
  if (memory == nullptr) OutOfMemory();
  Count(static_cast<long long>(FreshBytes(memory, bytes)));
  return memory;
}

void* ReallocateBytes(void* memory, size_t bytes) {
  long long before = memory == nullptr ? 0 : static_cast<long long>(RawUsable(memory));
  void* moved = RawReallocate(memory, bytes);
  if (moved == nullptr) OutOfMemory();
  Count(static_cast<long long>(FreshBytes(moved, bytes)) - before);
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
#ifdef KILN_JEMALLOC
  return nallocx(std::max<size_t>(bytes, 1), 0);
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

void ReleaseMemoryInBackground() {
#ifdef KILN_JEMALLOC
  size_t threads = 1;
  mallctl("max_background_threads", nullptr, nullptr, &threads, sizeof(threads));
  bool is_on = true;
  mallctl("background_thread", nullptr, nullptr, &is_on, sizeof(is_on));
#endif
}

void ReleaseUnusedMemory() {
#ifdef KILN_JEMALLOC
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
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
