// LuaHeap: the memory of one Lua interpreter.
//
// Nearly all that a script makes are strings and tables of a few dozen bytes that live for
// microseconds, and Lua says the size of what it frees. So small blocks come from free lists, one a
// size class, over one region of the address space; pages of it are used only as they are needed.
// What is bigger, or comes when the region is full, is the process allocator's. The region's
// pages stay with the interpreter: that is the bound on what it keeps.
//
// Thread safety: none.
#pragma once

#include <cstddef>

namespace kiln {

class LuaHeap {
 public:
  // What the region takes at most.
  static constexpr size_t kRegionBytes = size_t{4} << 20;

  LuaHeap();
  ~LuaHeap();
  LuaHeap(const LuaHeap&) = delete;
  LuaHeap& operator=(const LuaHeap&) = delete;

  // As Lua's allocation function wants it: null for no bytes. Ends the process when the system has
  // no memory.
  void* Reallocate(void* memory, size_t old_bytes, size_t new_bytes) {
    if (memory == nullptr) return new_bytes == 0 ? nullptr : Take(new_bytes);
    if (new_bytes == 0) {
      Give(memory, old_bytes);
      return nullptr;
    }
    return Move(memory, old_bytes, new_bytes);
  }

 private:
  static constexpr size_t kStepBytes = 16;
  static constexpr size_t kMaxSmallBytes = 512;
  static constexpr size_t kPieceBytes = size_t{32} << 10;  // counted and carved at a time

  struct FreeBlock {
    FreeBlock* next;
  };

  static size_t ClassOf(size_t bytes) { return (bytes + kStepBytes - 1) / kStepBytes; }
  bool IsOurs(const void* memory) const {
    return static_cast<size_t>(static_cast<const char*>(memory) - region_) < kRegionBytes;
  }
  void* Take(size_t bytes) {
    if (bytes > kMaxSmallBytes) return TakeElsewhere(bytes);
    FreeBlock*& first = free_[ClassOf(bytes)];
    if (first == nullptr) return TakeFresh(bytes);
    FreeBlock* block = first;
    first = block->next;
    return block;
  }
  void Give(void* memory, size_t bytes) {
    if (!IsOurs(memory)) return GiveElsewhere(memory);
    auto* block = static_cast<FreeBlock*>(memory);
    FreeBlock*& first = free_[ClassOf(bytes)];
    block->next = first;
    first = block;
  }
  void* Move(void* memory, size_t old_bytes, size_t new_bytes);
  void* TakeFresh(size_t bytes);
  static void* TakeElsewhere(size_t bytes);
  static void GiveElsewhere(void* memory);

  FreeBlock* free_[kMaxSmallBytes / kStepBytes + 1] = {};
  char* region_;
  size_t carved_bytes_ = 0;   // of the region, handed out once
  size_t counted_bytes_ = 0;  // of the region, in the process's count
};

}  // namespace kiln
