// Reclaimer: frees big collections in slices, so that deleting millions of elements stalls nobody.
//
// Whoever drops a big value, by deletion, overwriting, expiry, eviction or a flush, gives it to its
// worker's reclaimer; the worker frees a bounded number of elements between turns until nothing is
// left.
//
// Thread safety: none; each worker owns one. Values in it are detached: no lock is needed.
#pragma once

#include <cstddef>
#include <deque>

#include "engine/store/record.h"

namespace kiln {

class Reclaimer {
 public:
  // Values up to this many elements are freed at once.
  static constexpr size_t kAtOnce = 64;

  Reclaimer() = default;
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;
  ~Reclaimer();

  void Free(Type type, void* collection);
  // Frees at most `budget` elements; true when nothing is left.
  bool Run(size_t budget);

  bool empty() const { return pending_.empty(); }
  // Values waiting, and freed so far that had to wait.
  size_t pending() const { return pending_.size(); }
  size_t freed() const { return freed_; }
  void ForgetFreed() { freed_ = 0; }

 private:
  struct Item {
    Type type;
    void* collection;
  };
  std::deque<Item> pending_;
  size_t freed_ = 0;
};

}  // namespace kiln
