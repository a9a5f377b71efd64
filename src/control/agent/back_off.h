// How long a node that ended waits before it is started again.
//
// Each failure doubles the wait, up to a limit; a run that stayed healthy for long enough makes the
// next wait the first again. Milliseconds. Thread safety: none.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kiln {

struct BackOffBounds {
  int64_t first_ms = 100;
  int64_t longest_ms = 30'000;
  int64_t healthy_ms = 60'000;  // A run of this length forgives what was before it.
};

class BackOff {
 public:
  explicit BackOff(const BackOffBounds& bounds) : bounds_(bounds) {}

  // The wait after a run that was ready for `ready_ms`; 0 when it never was.
  int64_t AfterRun(int64_t ready_ms) {
    if (ready_ms >= bounds_.healthy_ms || next_ms_ == 0) next_ms_ = bounds_.first_ms;
    int64_t wait_ms = next_ms_;
    next_ms_ = std::min(next_ms_ * 2, bounds_.longest_ms);
    return wait_ms;
  }

 private:
  BackOffBounds bounds_;
  int64_t next_ms_ = 0;
};

}  // namespace kiln
