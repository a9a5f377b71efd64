// How often a rewrite of the append-only file that keeps failing is tried again: three times at
// once, then after a minute, and twice as long each time, up to an hour (as in Redis 7). Who asks
// for one by BGREWRITEAOF is not kept waiting.
//
// Thread safety: none. Times are seconds of any clock that does not jump.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kiln {

class RewriteLimit {
 public:
  bool Allows(int64_t now_s) const { return failures_ < kFree || now_s >= next_s_; }
  // A rewrite has ended. True when the next one has to wait from now on.
  bool Note(bool is_fine, int64_t now_s) {
    failures_ = is_fine ? 0 : failures_ + 1;
    if (failures_ < kFree) return false;
    wait_min_ = failures_ == kFree ? 1 : std::min<int64_t>(wait_min_ * 2, kMostMin);
    next_s_ = now_s + wait_min_ * 60;
    return true;
  }
  int64_t failures() const { return failures_; }  // one after the other
  int64_t wait_min() const { return wait_min_; }

 private:
  static constexpr int64_t kFree = 3;
  static constexpr int64_t kMostMin = 60;

  int64_t failures_ = 0;
  int64_t wait_min_ = 0;
  int64_t next_s_ = 0;
};

}  // namespace kiln
