// Latencies in nanoseconds, counted in buckets at most 1/64 wide relative to their value.
//
// Recording is a few instructions and takes no memory, so a load generator may record each request.
// Not thread safe.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace kiln {

class LatencyHistogram {
 public:
  void Record(uint64_t ns, uint64_t times = 1) {
    buckets_[BucketOf(ns)] += times;
    count_ += times;
    max_ns_ = std::max(max_ns_, ns);
  }

  uint64_t count() const { return count_; }
  double max_us() const { return max_ns_ / 1e3; }

  // The upper edge of the bucket in which the given fraction of all latencies is reached.
  double PercentileUs(double fraction) const {
    uint64_t wanted = static_cast<uint64_t>(fraction * count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted) return std::min(UpperEdge(i), max_ns_) / 1e3;
    }
    return max_us();
  }

 private:
  static constexpr int kStepBits = 6;  // 64 buckets for each power of two

  static size_t BucketOf(uint64_t ns) {
    int shift = std::max(0, static_cast<int>(std::bit_width(ns)) - kStepBits - 1);
    return (static_cast<size_t>(shift) << kStepBits) + (ns >> shift);
  }

  static uint64_t UpperEdge(size_t bucket) {
    size_t shift = bucket < (2u << kStepBits) ? 0 : (bucket >> kStepBits) - 1;
    return (((bucket - (shift << kStepBits)) + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - kStepBits + 1) << kStepBits> buckets_ = {};
  uint64_t count_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace kiln
