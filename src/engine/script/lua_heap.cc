#include "engine/script/lua_heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/memory.h"

namespace kiln {
namespace {

// A sanitizer sees what Lua does with its memory only if it knows of each block.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasRegion = false;
#elif defined(__has_feature)
constexpr bool kHasRegion = !__has_feature(address_sanitizer);
#else
constexpr bool kHasRegion = true;
#endif

}  // namespace

LuaHeap::LuaHeap() {
  void* region = mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  KILN_CHECK(region != MAP_FAILED);
  region_ = static_cast<char*>(region);
  if (!kHasRegion) carved_bytes_ = counted_bytes_ = kRegionBytes;
}

LuaHeap::~LuaHeap() {
  munmap(region_, kRegionBytes);
  if (kHasRegion) CountBytes(-static_cast<long long>(counted_bytes_));
}

void* LuaHeap::TakeFresh(size_t bytes) {
  size_t size = ClassOf(bytes) * kStepBytes;
  if (size > kRegionBytes - carved_bytes_) return AllocateBytes(bytes);
  if (carved_bytes_ + size > counted_bytes_) {
    CountBytes(kPieceBytes);
    counted_bytes_ += kPieceBytes;
  }
  char* block = region_ + carved_bytes_;
  carved_bytes_ += size;
  return block;
}

void* LuaHeap::TakeElsewhere(size_t bytes) {
  return AllocateBytes(bytes);
}

void LuaHeap::GiveElsewhere(void* memory) {
  FreeBytes(memory);
}

void* LuaHeap::Move(void* memory, size_t old_bytes, size_t new_bytes) {
  bool is_ours = IsOurs(memory);
  if (is_ours && ClassOf(old_bytes) == ClassOf(new_bytes)) return memory;
  if (!is_ours && new_bytes > kMaxSmallBytes) return ReallocateBytes(memory, new_bytes);
  void* moved = Take(new_bytes);
  std::memcpy(moved, memory, std::min(old_bytes, new_bytes));
  Give(memory, old_bytes);
  return moved;
}

}  // namespace kiln
