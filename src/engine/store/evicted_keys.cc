#include "engine/store/evicted_keys.h"

#include <sys/mman.h>

#include <bit>

#include "base/check.h"

namespace kiln {

EvictedKeys::~EvictedKeys() {
  if (marks_ != nullptr) munmap(static_cast<void*>(marks_), limit_);
}

// Pages of zeros that are not there until they are written.
void EvictedKeys::SetLimit(size_t places) {
  KILN_CHECK(marks_ == nullptr);
  if (places == 0) return;
  limit_ = std::bit_ceil(places);
  void* mapped = mmap(nullptr, limit_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  KILN_CHECK(mapped != MAP_FAILED);
  static_assert(sizeof(std::atomic<uint8_t>) == 1);
  marks_ = static_cast<std::atomic<uint8_t>*>(mapped);
}

void EvictedKeys::FitTo(size_t records) {
  constexpr size_t kPlacesForEach = 3;
  if (marks_ == nullptr) return;
  size_t wanted = std::min(limit_, std::bit_ceil(records * kPlacesForEach + 1)) - 1;
  if (wanted > mask_.load(std::memory_order_relaxed)) {
    mask_.store(wanted, std::memory_order_relaxed);
  }
}

EvictedKeys& LatelyEvicted() {
  static EvictedKeys keys;
  return keys;
}

}  // namespace kiln
