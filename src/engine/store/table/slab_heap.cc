#include "engine/store/table/slab_heap.h"

#include <array>

namespace kiln {
namespace {

constexpr auto kRecordSizes = [] {
  std::array<uint16_t, 44> sizes{};
  size_t count = 0;
  for (uint16_t bytes = 8; bytes <= 256; bytes += 8) sizes[count++] = bytes;
  for (uint16_t bytes : {272, 288, 312, 336, 368, 408, 448, 512, 584, 680, 816, 1024}) {
    sizes[count++] = bytes;
  }
  return sizes;
}();

// The smallest class that holds each size, by size in 8-byte words.
template <size_t kWords, size_t kCount>
constexpr std::array<uint8_t, kWords + 1> ClassOfWords(const std::array<uint16_t, kCount>& sizes) {
  std::array<uint8_t, kWords + 1> classes{};
  size_t size_class = 0;
  for (size_t words = 0; words <= kWords; ++words) {
    while (sizes[size_class] < words * 8) ++size_class;
    classes[words] = static_cast<uint8_t>(size_class);
  }
  return classes;
}

constexpr auto kRecordClassOf = ClassOfWords<1024 / 8>(kRecordSizes);

constexpr SizeClasses kRecordClasses{kRecordSizes, kRecordClassOf};
static_assert(kRecordSizes.size() <= SlabHeap::kMaxClasses);

}  // namespace

const SizeClasses& RecordSizeClasses() {
  return kRecordClasses;
}

Run* SlabHeap::AddRun(size_t size_class) {
  Run* run = pool_->Allocate();
  run->free_head = kNoFreeObject;
  run->bump = 0;
  run->used = 0;
  run->size_class = static_cast<uint8_t>(size_class);
  Link(run);
  return run;
}

// Keeps the run if it is its class's only one, so that one object coming and going does not visit
// the pool each time.
void SlabHeap::Emptied(Run* run) {
  if (partial_[run->size_class] == run && run->next == nullptr) return;
  Unlink(run);
  pool_->Free(run);
}

}  // namespace kiln
