#include "engine/commands/discovery.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(Discovery, FindsWhatWasSetLast) {
  Discovery discovery;
  EXPECT_EQ(discovery.Find("cluster"), nullptr);
  EXPECT_EQ(discovery.Item(), nullptr);
  EXPECT_TRUE(discovery.Set("cluster", 0, "1\na|1.2.3.4|11211\n"));
  EXPECT_TRUE(discovery.Set("cluster", 7, "2\n"));
  ASSERT_NE(discovery.Find("cluster"), nullptr);
  EXPECT_EQ(discovery.Find("cluster")->flags, 7u);
  EXPECT_EQ(discovery.Item()->text, "2\n");
  EXPECT_TRUE(discovery.Delete("cluster"));
  EXPECT_FALSE(discovery.Delete("cluster"));
  EXPECT_EQ(discovery.Item(), nullptr);
}

TEST(Discovery, HoldsSixteenTexts) {
  Discovery discovery;
  for (size_t i = 0; i < Discovery::kMaxEntries; ++i)
    EXPECT_TRUE(discovery.Set("key" + std::to_string(i), 0, ""));
  EXPECT_FALSE(discovery.Set("another", 0, ""));
  EXPECT_TRUE(discovery.Set("key3", 0, "new"));
  EXPECT_EQ(discovery.size(), Discovery::kMaxEntries);
}

}  // namespace
}  // namespace kiln
