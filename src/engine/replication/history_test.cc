#include "engine/replication/history.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ReplicationHistory, HasAnIdOfFortyHexDigitsThatIsNeverTheSame) {
  ReplicationHistory one;
  ReplicationHistory other;
  EXPECT_TRUE(IsReplicationId(one.id()));
  EXPECT_NE(one.id(), other.id());
  EXPECT_FALSE(IsReplicationId("?"));
  EXPECT_FALSE(IsReplicationId(std::string(40, 'g')));
  EXPECT_FALSE(IsReplicationId(std::string(41, 'a')));
}

TEST(ReplicationHistory, IncludesItsOwnPlacesOnly) {
  ReplicationHistory history;
  EXPECT_TRUE(history.Includes(history.id(), 0));
  EXPECT_TRUE(history.Includes(history.id(), 1000));
  EXPECT_FALSE(history.Includes(NewReplicationId(), 0));
  EXPECT_FALSE(history.Includes(kNoReplicationId, 0));
}

TEST(ReplicationHistory, AReplicaThatBecomesPrimaryIncludesTheOldHistoryAsFarAsItCame) {
  std::string old = NewReplicationId();
  ReplicationHistory history;
  history.Join(old);
  history.BecomePrimary(500);
  EXPECT_NE(history.id(), old);
  EXPECT_EQ(history.previous_id(), old);
  EXPECT_TRUE(history.Includes(old, 500));
  EXPECT_FALSE(history.Includes(old, 501));
  EXPECT_TRUE(history.Includes(history.id(), 501));
}

TEST(ReplicationHistory, WhoJoinsAnotherHistoryForgetsItsOwn) {
  ReplicationHistory history;
  std::string own = history.id();
  history.BecomePrimary(10);
  history.Join(NewReplicationId());
  EXPECT_FALSE(history.Includes(own, 0));
  EXPECT_EQ(history.previous_end(), -1);
}

TEST(ReplicationHistory, AChangeToTheSameIdIsNone) {
  ReplicationHistory history;
  std::string id = history.id();
  history.ContinueAs(id, 7);
  EXPECT_EQ(history.id(), id);
  EXPECT_EQ(history.previous_end(), -1);
}

}  // namespace
}  // namespace kiln
