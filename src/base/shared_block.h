// A block of memory that several hold, with its count of references in the 16 bytes before it.
//
// Whoever makes it holds the first reference; the last one that is dropped frees the block. Until
// then its bytes count as allocated.
//
// Thread safety: Hold and Drop from any thread, Hold only by who knows that somebody else's
// reference stays meanwhile. Who holds the only reference, and keeps others from taking one, may
// change the bytes; everybody else may only read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "base/memory.h"

namespace kiln {

class SharedBlock {
 public:
  // What is smaller is cheaper to copy than to hold.
  static constexpr size_t kMinBytes = size_t{64} << 10;
  static constexpr size_t kHeadBytes = 16;

  // Never null, as AllocateBytes.
  static SharedBlock* Allocate(size_t bytes) {
    return ::new (AllocateBytes(kHeadBytes + bytes)) SharedBlock;
  }
  static SharedBlock* Of(const void* memory) {
    return reinterpret_cast<SharedBlock*>(reinterpret_cast<uintptr_t>(memory) - kHeadBytes);
  }
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;

  void* memory() { return reinterpret_cast<char*>(this) + kHeadBytes; }
  // What the block's user may use of it.
  size_t usable_bytes() const { return UsableBytes(this) - kHeadBytes; }

  void Hold() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Drop() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) FreeBytes(this);
  }
  // What others read, before they dropped their references, they read before this.
  bool IsHeldByOne() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  SharedBlock() = default;

  std::atomic<uint64_t> references_{1};
};
static_assert(sizeof(SharedBlock) <= SharedBlock::kHeadBytes);

}  // namespace kiln
