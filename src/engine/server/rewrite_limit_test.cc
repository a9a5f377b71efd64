#include "engine/server/rewrite_limit.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(RewriteLimit, WaitsTwiceAsLongAfterEachFailureFromTheThirdOn) {
  RewriteLimit limit;
  EXPECT_FALSE(limit.Note(false, 100));
  EXPECT_FALSE(limit.Note(false, 100));
  EXPECT_TRUE(limit.Allows(100));
  EXPECT_TRUE(limit.Note(false, 100));
  EXPECT_FALSE(limit.Allows(159));
  EXPECT_TRUE(limit.Allows(160));
  EXPECT_TRUE(limit.Note(false, 160));
  EXPECT_FALSE(limit.Allows(279));
  EXPECT_TRUE(limit.Allows(280));
  for (int i = 0; i < 20; ++i) limit.Note(false, 280);
  EXPECT_EQ(limit.wait_min(), 60);
  EXPECT_EQ(limit.failures(), 24);
}

TEST(RewriteLimit, IsOverWhenOneIsFine) {
  RewriteLimit limit;
  for (int i = 0; i < 5; ++i) limit.Note(false, 0);
  EXPECT_FALSE(limit.Allows(0));
  EXPECT_FALSE(limit.Note(true, 0));
  EXPECT_TRUE(limit.Allows(0));
  EXPECT_EQ(limit.failures(), 0);
}

}  // namespace
}  // namespace kiln
