#include "engine/security/acl_log.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

AclLogEntry Refused(std::string_view object, DenialReason reason = DenialReason::kKey) {
  AclLogEntry entry;
  entry.reason = reason;
  entry.object = object;
  entry.user = "alice";
  entry.client = "id=1";
  return entry;
}

TEST(AclLog, CountsWhatIsAlikeWithinAMinuteAsOne) {
  AclLog log;
  log.Add(Refused("a"), 1000, 10);
  log.Add(Refused("b"), 2000, 10);
  log.Add(Refused("a"), 61000, 10);
  auto entries = log.Newest(10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].object, "a");
  EXPECT_EQ(entries[0].count, 2u);
  EXPECT_EQ(entries[0].id, 0);
  EXPECT_EQ(entries[0].created_ms, 1000);
  EXPECT_EQ(entries[0].updated_ms, 61000);
  log.Add(Refused("a"), 121001, 10);
  EXPECT_EQ(log.Newest(1)[0].id, 2);
}

TEST(AclLog, TellsReasonsContextsAndUsersApart) {
  AclLog log;
  log.Add(Refused("a"), 1, 10);
  log.Add(Refused("a", DenialReason::kCommand), 1, 10);
  AclLogEntry in_script = Refused("a");
  in_script.context = DenialContext::kScript;
  log.Add(in_script, 1, 10);
  AclLogEntry of_bob = Refused("a");
  of_bob.user = "bob";
  log.Add(of_bob, 1, 10);
  EXPECT_EQ(log.Newest(10).size(), 4u);
  EXPECT_EQ(log.CountOf(DenialReason::kKey), 3u);
  EXPECT_EQ(log.CountOf(DenialReason::kCommand), 1u);
}

TEST(AclLog, ForgetsTheOldestBeyondItsLimit) {
  AclLog log;
  for (int i = 0; i < 20; ++i) log.Add(Refused(std::to_string(i)), i, 5);
  auto entries = log.Newest(100);
  ASSERT_EQ(entries.size(), 5u);
  EXPECT_EQ(entries.front().object, "19");
  EXPECT_EQ(entries.back().object, "15");
  log.Add(Refused("x"), 20, 0);
  EXPECT_TRUE(log.Newest(100).empty());
  log.Add(Refused("y"), 21, 5);
  log.Clear();
  EXPECT_TRUE(log.Newest(100).empty());
  EXPECT_EQ(log.CountOf(DenialReason::kKey), 22u);
}

}  // namespace
}  // namespace kiln
