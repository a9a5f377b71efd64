#include "engine/store/table/slab_heap.h"

#include <algorithm>
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

// Rather than begin a page for a class that has no room, an object takes a hole of a class a little
// larger: a heap with few objects of many sizes would else hold mostly empty pages.
Run* SlabHeap::FindRun(size_t size_class) {
  constexpr size_t kSomeBytes = size_t{128} << 10;
  constexpr size_t kManyBytes = size_t{1} << 20;  // then half a page a class is little
  if (used_bytes_ > kManyBytes) return AddRun(size_class);
  size_t waste_share = used_bytes_ > kSomeBytes ? 8 : 3;
  size_t most_bytes = classes_->sizes[size_class] + classes_->sizes[size_class] / waste_share;
  for (size_t larger = size_class + 1; larger < classes_->sizes.size(); ++larger) {
    if (classes_->sizes[larger] > most_bytes) break;
    if (partial_[larger] != nullptr) return partial_[larger];
  }
  return AddRun(size_class);
}

SlabHeap::FreeMap SlabHeap::FreeObjects(const Run* run) const {
  FreeMap is_free;
  for (uint16_t at = run->free_head; at != kNoFreeObject;
       std::memcpy(&at, run->memory + size_t{at} * 8, sizeof(at))) {
    is_free.set(at);
  }
  return is_free;
}

Run* SlabHeap::AddRun(size_t size_class) {
  Publish();
  Run* run = pool_->Allocate();
  run->free_head = kNoFreeObject;
  run->bump = 0;
  run->used = 0;
  run->size_class = static_cast<uint8_t>(size_class);
  holes_[size_class] += static_cast<uint32_t>(CapacityOf(run));
  Link(run);
  return run;
}

// Keeps the run if it is its class's only one, so that one object coming and going does not visit
// the pool each time; but not where many such runs have come together.
void SlabHeap::Emptied(Run* run) {
  constexpr size_t kMuchSlackBytes = size_t{4} << 20;
  bool is_wasteful = pool_->slack_bytes() > std::max(kMuchSlackBytes, pool_->used_bytes() / 4);
  if (!is_wasteful && partial_[run->size_class] == run && run->next == nullptr) return;
  Unlink(run);
  holes_[run->size_class] -= static_cast<uint32_t>(CapacityOf(run));
  Release(run);
}

void SlabHeap::Release(Run* run) {
  pool_->Free(run);
  Publish();
}

}  // namespace kiln
