#include "engine/replication/replica_table.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ReplicaTable, CountsOnlyThoseOnline) {
  ReplicaTable table;
  table.Add({.client = {0, 1}, .address = "a", .port = 1, .offset = 100});
  table.Add({.client = {0, 2}, .address = "b", .port = 2, .offset = 50});
  EXPECT_EQ(table.CountWith(0), 0u);
  table.SetState({0, 1}, ReplicaState::kOnline, 1000);
  table.SetState({0, 2}, ReplicaState::kOnline, 2000);
  EXPECT_EQ(table.CountWith(50), 2u);
  EXPECT_EQ(table.CountWith(51), 1u);
  EXPECT_EQ(table.CountHeardSince(1500), 1u);
  EXPECT_TRUE(table.Remove({0, 1}));
  EXPECT_FALSE(table.Remove({0, 1}));
  EXPECT_EQ(table.CountWith(50), 1u);
}

TEST(ReplicaTable, NoAckTakesBackWhatAnotherSaid) {
  ReplicaTable table;
  table.Add({.client = {0, 1}, .state = ReplicaState::kOnline});
  table.OnAck({0, 1}, 100, 90, 1);
  table.OnAck({0, 1}, 80, 70, 2);
  table.OnAck({0, 1}, 100, std::nullopt, 3);
  EXPECT_EQ(table.Find({0, 1})->offset, 100u);
  EXPECT_EQ(table.CountWithInFile(90), 1u);
  EXPECT_EQ(table.CountWithInFile(91), 0u);
  EXPECT_EQ(table.Find({0, 1})->heard_ms, 3);
}

}  // namespace
}  // namespace kiln
