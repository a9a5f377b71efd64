#include "control/agent/back_off.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

constexpr BackOffBounds kBounds{.first_ms = 100, .longest_ms = 1000, .healthy_ms = 60'000};

TEST(BackOff, DoublesUpToItsLimit) {
  BackOff back_off(kBounds);
  for (int64_t expected : {100, 200, 400, 800, 1000, 1000})
    EXPECT_EQ(back_off.AfterRun(0), expected);
}

TEST(BackOff, BeginsAnewAfterAHealthyRun) {
  BackOff back_off(kBounds);
  back_off.AfterRun(0);
  back_off.AfterRun(0);
  EXPECT_EQ(back_off.AfterRun(59'999), 400);
  EXPECT_EQ(back_off.AfterRun(60'000), 100);
  EXPECT_EQ(back_off.AfterRun(0), 200);
}

}  // namespace
}  // namespace kiln
