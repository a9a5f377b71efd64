// Slab heap: objects of up to a few kilobytes in fine size classes, with no header of their own.
//
// A run of pages serves one size class. The cost of an object is its size rounded up to the class
// (8 bytes apart where it matters) plus its share of the run's 32-byte bookkeeping. An emptied run
// goes back to the pool at once, but for one that each class keeps, so a heap that shrinks gives
// memory back.
//
// Thread safety: none. The caller's lock (a shard's, for records) protects a heap; the pool below
// is shared.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "engine/store/table/page_pool.h"

namespace kiln {

// Sizes in ascending order, each a multiple of 8, with an index from (size + 7) / 8 to the class.
struct SizeClasses {
  std::span<const uint16_t> sizes;
  std::span<const uint8_t> class_of_words;
  size_t max_bytes() const { return sizes.back(); }
  size_t ClassOf(size_t bytes) const { return class_of_words[(bytes + 7) / 8]; }
};

// Records: 8 bytes apart to 256, then as a 4 KiB page divides without much waste, to 1024.
const SizeClasses& RecordSizeClasses();

class SlabHeap {
 public:
  static constexpr size_t kMaxClasses = 48;

  SlabHeap(PagePool& pool, const SizeClasses& classes) : pool_(&pool), classes_(&classes) {}
  SlabHeap(const SlabHeap&) = delete;
  SlabHeap& operator=(const SlabHeap&) = delete;
  // Trades objects with a heap of the same pool and classes.
  void Swap(SlabHeap& other) {
    std::swap(used_bytes_, other.used_bytes_);
    std::swap(published_bytes_, other.published_bytes_);
    std::swap(holes_, other.holes_);
    std::swap(partial_, other.partial_);
  }

  // 0 < bytes <= max_bytes(). Never null. 8-byte aligned; 64-byte aligned where the class is a
  // multiple of 64.
  void* Allocate(size_t bytes) {
    size_t size_class = classes_->class_of_words[(bytes + 7) / 8];
    Run* run = partial_[size_class];
    if (run == nullptr) [[unlikely]] {
      run = FindRun(size_class);
      size_class = run->size_class;
    }
    size_t words = classes_->sizes[size_class] / 8;
    char* object;
    if (run->free_head != kNoFreeObject) {
      object = run->memory + size_t{run->free_head} * 8;
      run->free_head = *reinterpret_cast<uint16_t*>(object);
    } else {
      object = run->memory + size_t{run->bump} * 8;
      run->bump = static_cast<uint16_t>(run->bump + words);
    }
    ++run->used;
    --holes_[size_class];
    used_bytes_ += words * 8;
    if (run->free_head == kNoFreeObject && (size_t{run->bump} + words) * 8 > pool_->run_bytes()) {
      Unlink(run);
    }
    return object;
  }

  // Returns the bytes given back.
  size_t Free(void* memory) {
    Run* run = pool_->RunOf(memory);
    size_t bytes = classes_->sizes[run->size_class];
    bool was_full =
        run->free_head == kNoFreeObject && size_t{run->bump} * 8 + bytes > pool_->run_bytes();
    *static_cast<uint16_t*>(memory) = run->free_head;
    run->free_head = static_cast<uint16_t>((static_cast<char*>(memory) - run->memory) / 8);
    --run->used;
    ++holes_[run->size_class];
    used_bytes_ -= bytes;
    if (was_full) Link(run);
    if (run->used == 0) [[unlikely]]
      Emptied(run);
    return bytes;
  }

  // Tells the pool what its objects take by now.
  void Publish() {
    pool_->CountObjects(static_cast<std::ptrdiff_t>(used_bytes_) - published_bytes_);
    published_bytes_ = static_cast<std::ptrdiff_t>(used_bytes_);
  }

  // Defragmentation: if the other objects in this one's run fit into holes of other runs of the
  // class, a run can be emptied and given back. To be asked before the object is freed.
  Run* RunToEmpty(const void* memory) const {
    Run* run = pool_->RunOf(memory);
    size_t own_holes = CapacityOf(run) - run->used;
    return run->used > 1 && holes_[run->size_class] >= own_holes + run->used ? run : nullptr;
  }
  // Moves the run's objects and calls moved(from, to) for each, whose bytes have been copied; then
  // gives the run back.
  template <class F>
  void EmptyRun(Run* run, F&& moved) {
    Unlink(run);
    holes_[run->size_class] -= static_cast<uint32_t>(CapacityOf(run) - run->used);
    size_t bytes = classes_->sizes[run->size_class];
    FreeMap is_free = FreeObjects(run);
    for (size_t word = 0; word < run->bump; word += bytes / 8) {
      if (is_free[word]) continue;
      char* from = run->memory + word * 8;
      void* to = std::memcpy(Allocate(bytes), from, bytes);
      moved(static_cast<void*>(from), to);
      used_bytes_ -= bytes;
    }
    Release(run);
  }

  // What an object of this heap may use, and what one of `bytes` would get.
  size_t UsableBytes(const void* memory) const {
    return classes_->sizes[pool_->RunOf(memory)->size_class];
  }
  size_t GoodSizeBytes(size_t bytes) const {
    return classes_->sizes[classes_->class_of_words[(bytes + 7) / 8]];
  }
  size_t max_bytes() const { return classes_->max_bytes(); }
  size_t used_bytes() const { return used_bytes_; }

 private:
  using FreeMap = std::bitset<1024>;  // by the offset / 8 in a run of at most two pages

  Run* FindRun(size_t size_class);
  Run* AddRun(size_t size_class);
  FreeMap FreeObjects(const Run* run) const;
  void Release(Run* run);
  size_t CapacityOf(const Run* run) const {
    return pool_->run_bytes() / classes_->sizes[run->size_class];
  }
  void Emptied(Run* run);

  void Link(Run* run) {
    run->previous = nullptr;
    run->next = partial_[run->size_class];
    if (run->next != nullptr) run->next->previous = run;
    partial_[run->size_class] = run;
  }
  void Unlink(Run* run) {
    if (run->previous != nullptr) {
      run->previous->next = run->next;
    } else {
      partial_[run->size_class] = run->next;
    }
    if (run->next != nullptr) run->next->previous = run->previous;
  }

  PagePool* pool_;
  const SizeClasses* classes_;
  size_t used_bytes_ = 0;
  std::ptrdiff_t published_bytes_ = 0;
  uint32_t holes_[kMaxClasses] = {};  // free places in the runs of each class
  Run* partial_[kMaxClasses] = {};
};

}  // namespace kiln
