// RateMeter: how fast a counter grows, as the mean over the last 1.6 seconds.
//
// Thread safety: none; belongs to the worker whose counter it watches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln {

class RateMeter {
 public:
  static constexpr size_t kSamples = 16;
  static constexpr uint64_t kIntervalMs = 100;

  // To be called at least every 100 ms; calls that come sooner are passed over.
  void Sample(uint64_t total, uint64_t now_ms) {
    if (last_ms_ != 0 && now_ms < last_ms_ + kIntervalMs) return;
    if (last_ms_ != 0 && total >= last_total_) {
      rates_[next_++ % kSamples] = static_cast<double>(total - last_total_) * 1000.0 /
                                   static_cast<double>(now_ms - last_ms_);
    }
    last_total_ = total;
    last_ms_ = now_ms;
  }
  double PerSecond() const {
    double sum = 0;
    for (double rate : rates_) sum += rate;
    return sum / kSamples;
  }

 private:
  double rates_[kSamples] = {};
  size_t next_ = 0;
  uint64_t last_total_ = 0;
  uint64_t last_ms_ = 0;
};

}  // namespace kiln
