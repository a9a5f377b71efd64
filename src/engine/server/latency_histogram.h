// LatencyHistogram: how often a command took how long, with an error of at most one eighth.
//
// Buckets are eighths of powers of two, counted in ticks (base/ticks.h). A histogram that counted
// nothing has no memory. Thread safety: none; each worker has its own, and whoever holds the Gate
// alone adds them up.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

namespace kiln {

class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = 62 * 8;

  void Add(uint64_t ticks) {
    if (buckets_ == nullptr) [[unlikely]]
      buckets_ = std::make_unique<std::array<uint32_t, kBuckets>>();
    ++(*buckets_)[BucketOf(ticks)];
  }
  void AddAll(const LatencyHistogram& other) {
    if (other.buckets_ == nullptr) return;
    if (buckets_ == nullptr) buckets_ = std::make_unique<std::array<uint32_t, kBuckets>>();
    for (size_t i = 0; i < kBuckets; ++i) (*buckets_)[i] += (*other.buckets_)[i];
  }
  void Clear() { buckets_.reset(); }

  uint64_t Count() const {
    uint64_t count = 0;
    ForEach([&](uint64_t, uint64_t times) { count += times; });
    return count;
  }
  // The ticks that `percent` of all calls stayed within.
  uint64_t Percentile(double percent) const {
    auto rank = static_cast<uint64_t>(percent / 100 * static_cast<double>(Count()) + 0.5);
    uint64_t seen = 0;
    uint64_t answer = 0;
    ForEach([&](uint64_t ticks, uint64_t times) {
      if (seen == 0 || seen < rank) answer = ticks;
      seen += times;
    });
    return answer;
  }
  // f(most ticks of a bucket, calls in it), ascending, for buckets with calls.
  template <class F>
  void ForEach(F&& f) const {
    if (buckets_ == nullptr) return;
    for (size_t i = 0; i < kBuckets; ++i) {
      if ((*buckets_)[i] > 0) f(LargestOf(i), uint64_t{(*buckets_)[i]});
    }
  }

 private:
  static size_t BucketOf(uint64_t ticks) {
    auto shift = static_cast<unsigned>(std::bit_width(ticks | 8)) - 4;
    return shift * 8 + static_cast<size_t>(ticks >> shift);
  }
  static uint64_t LargestOf(size_t bucket) {
    if (bucket < 8) return bucket;
    size_t shift = bucket / 8 - 1;
    return ((uint64_t{8} + bucket % 8 + 1) << shift) - 1;
  }

  std::unique_ptr<std::array<uint32_t, kBuckets>> buckets_;
};

}  // namespace kiln
