#include "engine/commands/memcache_users.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(MemcacheUsers, TakesALineForAUser) {
  MemcacheUsers users;
  ASSERT_TRUE(users.Take("ann:one\nbob:two:three\r\n"));
  EXPECT_TRUE(users.Check("ann", "one"));
  EXPECT_TRUE(users.Check("bob", "two:three"));
  EXPECT_FALSE(users.Check("bob", "two"));
  EXPECT_FALSE(users.Check("ann", "two:three"));
  EXPECT_FALSE(users.Check("bob", ""));
  EXPECT_FALSE(users.Check("", ""));
}

TEST(MemcacheUsers, NeedsNoLineEndBehindTheLastUser) {
  MemcacheUsers users;
  ASSERT_TRUE(users.Take("ann:one"));
  EXPECT_TRUE(users.Check("ann", "one"));
  EXPECT_FALSE(users.Check("ann", "on"));
}

TEST(MemcacheUsers, KeepsTheOldOnesWhenALineIsBroken) {
  MemcacheUsers users;
  ASSERT_TRUE(users.Take("ann:one\n"));
  std::string long_name(256, 'a');
  for (const std::string& text :
       {std::string("ann:two\n\n"), std::string("ann\n"), std::string("ann:a\0b\n", 8),
        long_name + ":x\n", "x:" + long_name + "\n"}) {
    EXPECT_FALSE(users.Take(text)) << text;
    EXPECT_TRUE(users.Check("ann", "one"));
  }
}

TEST(MemcacheUsers, NobodyIsInAnEmptyFile) {
  MemcacheUsers users;
  EXPECT_TRUE(users.Take(""));
  EXPECT_EQ(users.size(), 0u);
  EXPECT_FALSE(users.Check("", ""));
}

TEST(MemcacheUsers, ALongerTextIsNotItsBeginning) {
  MemcacheUsers users;
  std::string name(255, 'n');
  ASSERT_TRUE(users.Take(name + ":p"));
  EXPECT_TRUE(users.Check(name, "p"));
  EXPECT_FALSE(users.Check(name + "n", "p"));
  EXPECT_FALSE(users.Check(name + std::string(1, '\0'), "p"));
  EXPECT_FALSE(users.Check(name, std::string("p\0", 2)));
}

TEST(MemcacheUsers, TakesNoMoreThanItsBound) {
  MemcacheUsers users;
  std::string text;
  for (size_t i = 0; i < MemcacheUsers::kMaxUsers; ++i) text += "u:p\n";
  EXPECT_TRUE(users.Take(text));
  EXPECT_FALSE(users.Take(text + "u:p\n"));
}

}  // namespace
}  // namespace kiln
