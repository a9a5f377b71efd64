// Databases of a replica: what is due is out of sight, and stays.
#include <gtest/gtest.h>

#include "engine/store/store_fixture.h"
#include "engine/store/types/hash.h"

namespace kiln {
namespace {

class ReplicaDbTest : public StoreTest {
 protected:
  ReplicaDbTest() {
    settings_.replica_read_only = true;
    context_.is_replica = true;
  }
  // As the primary's command does.
  void SetAsPrimary(std::string_view key, uint64_t expiry_ms) {
    context_.now_ms = 0;
    db_.SetString(HashKey(key), "old", {.expiry_ms = expiry_ms});
  }
};

TEST_F(ReplicaDbTest, ADueKeyIsHiddenAndStays) {
  SetAsPrimary("k", kStart + 10);
  context_.SetTime(kStart + 11);
  EXPECT_EQ(db_.Find(HashKey("k")), nullptr);
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
  context_.now_ms = 0;
  EXPECT_NE(db_.Find(HashKey("k")), nullptr);
}

TEST_F(ReplicaDbTest, WhatAClientWritesTakesTheHiddenKeysPlace) {
  SetAsPrimary("k", kStart + 10);
  context_.SetTime(kStart + 11);
  db_.SetInteger(HashKey("k"), 1);
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
  EXPECT_EQ(db_.Find(HashKey("k"))->expiry_ms(), kNoExpiry);
}

TEST_F(ReplicaDbTest, AHiddenKeyCanBeDeleted) {
  SetAsPrimary("k", kStart + 10);
  context_.SetTime(kStart + 11);
  EXPECT_TRUE(db_.Delete(HashKey("k")));
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(ReplicaDbTest, OnlyKeysThatClientsGaveATimeAreItsOwnToDrop) {
  SetAsPrimary("theirs", kStart + 10);
  EXPECT_TRUE(context_.local_expiries.empty());
  context_.SetTime(kStart);
  db_.SetString(HashKey("own"), "v", {.expiry_ms = kStart + 10});
  ASSERT_EQ(context_.local_expiries.size(), 1u);
  EXPECT_EQ(context_.local_expiries.begin()->second, "own");
  EXPECT_FALSE(db_.DropIfDue(HashKey("own")));
  context_.SetTime(kStart + 11);
  EXPECT_TRUE(db_.DropIfDue(HashKey("own")));
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
}

TEST_F(ReplicaDbTest, DueFieldsAreHiddenFromReadersAndThereForThePrimary) {
  context_.now_ms = 0;
  Hash* hash = *db_.FindOrCreate<Hash>(HashKey("h"));
  hash->Set("soon", "v", {});
  hash->Set("stays", "v", {});
  hash->SetFieldExpiry("soon", kStart + 10);
  db_.NoteFieldExpiry(HashKey("h"), kNoExpiry);
  context_.SetTime(kStart + 11);
  EXPECT_EQ((*db_.Find<Hash>(HashKey("h")))->size(), 1u);
  context_.now_ms = 0;
  EXPECT_EQ((*db_.Find<Hash>(HashKey("h")))->size(), 2u);
}

}  // namespace
}  // namespace kiln
