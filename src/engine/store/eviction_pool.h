// The best candidates for eviction that a worker has met, remembered from one eviction to the next:
// a few samples each time then find nearly what a look at everything would.
//
// Records in it may have changed, moved or gone since: whoever takes one looks whether the table
// still holds it, which touches the table alone.
//
// Thread safety: none; each worker owns one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace kiln {

class Record;

struct EvictionCandidate {
  Record* record = nullptr;
  uint64_t key_hash = 0;
  uint64_t score = 0;  // the higher, the sooner it goes
  int db = 0;
};

class EvictionPool {
 public:
  // Keeps the better ones. A record that is there already gets its new score.
  void Offer(const EvictionCandidate& candidate) {
    EvictionCandidate* worst = nullptr;
    for (size_t i = 0; i < size_; ++i) {
      if (items_[i].record == candidate.record) {
        items_[i] = candidate;
        return;
      }
      if (worst == nullptr || items_[i].score < worst->score) worst = &items_[i];
    }
    if (size_ < items_.size()) {
      items_[size_++] = candidate;
    } else if (candidate.score > worst->score) {
      *worst = candidate;
    }
  }

  // Takes the best one out; false when there is none.
  bool Take(EvictionCandidate* best) {
    if (size_ == 0) return false;
    auto at = std::max_element(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(size_),
                               [](const auto& a, const auto& b) { return a.score < b.score; });
    *best = *at;
    *at = items_[--size_];
    return true;
  }

  // Whether the last one that this worker evicted had ever been read.
  bool lost_read_record() const { return lost_read_record_; }
  void set_lost_read_record(bool was_read) { lost_read_record_ = was_read; }

 private:
  std::array<EvictionCandidate, 16> items_;
  size_t size_ = 0;
  bool lost_read_record_ = false;
};

}  // namespace kiln
