#include "engine/server/latency_histogram.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(LatencyHistogram, EveryTickCountFallsIntoABucketThatIsAtMostAnEighthWider) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (uint64_t ticks : {uint64_t{1} << bit, (uint64_t{1} << bit) + (uint64_t{1} << bit) / 3,
                           (uint64_t{2} << bit) - 1}) {
      LatencyHistogram histogram;
      histogram.Add(ticks);
      size_t buckets = 0;
      histogram.ForEach([&](uint64_t most, uint64_t times) {
        ++buckets;
        EXPECT_EQ(times, 1u);
        EXPECT_GE(most, ticks);
        EXPECT_LE(most - ticks, ticks / 8);
      });
      EXPECT_EQ(buckets, 1u) << ticks;
    }
  }
}

TEST(LatencyHistogram, BucketsOfMoreTicksComeLater) {
  LatencyHistogram histogram;
  for (uint64_t ticks = 0; ticks < 1000; ++ticks) histogram.Add(ticks);
  uint64_t before = 0;
  bool is_first = true;
  histogram.ForEach([&](uint64_t most, uint64_t) {
    EXPECT_TRUE(is_first || most > before);
    is_first = false;
    before = most;
  });
  EXPECT_EQ(histogram.Count(), 1000u);
}

TEST(LatencyHistogram, PercentileIsWhatThatShareStayedWithin) {
  LatencyHistogram histogram;
  for (int i = 0; i < 99; ++i) histogram.Add(5);
  histogram.Add(1 << 20);
  EXPECT_EQ(histogram.Percentile(50), 5u);
  EXPECT_GE(histogram.Percentile(100), uint64_t{1} << 20);
}

}  // namespace
}  // namespace kiln
