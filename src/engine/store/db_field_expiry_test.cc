// Hashes in a database whose fields fall due.
#include <gtest/gtest.h>

#include "engine/store/store_fixture.h"
#include "engine/store/types/hash.h"

namespace kiln {
namespace {

class FieldExpiryTest : public StoreTest {
 protected:
  void SetField(std::string_view key, std::string_view field, uint64_t when_ms) {
    Hash* hash = *db_.FindOrCreate<Hash>(HashKey(key));
    uint64_t before = hash->SoonestExpiryMs();
    hash->Set(field, "v", {});
    hash->SetFieldExpiry(field, when_ms);
    if (hash->TracksExpiry()) db_.NoteFieldExpiry(HashKey(key), before);
  }
  void SwitchEventsOn() { settings_.notify_keyspace_events = kEventHash | kEventGeneric; }
  DbShard& TableOf(std::string_view key) { return keyspace_.table(0, HashKey(key).shard()); }
};

TEST_F(FieldExpiryTest, ADueFieldIsGoneOnSight) {
  SetField("h", "soon", kStart + 10);
  SetField("h", "stays", Hash::kNoFieldExpiry);
  context_.SetTime(kStart + 10);
  Hash* hash = *db_.Find<Hash>(HashKey("h"));
  EXPECT_EQ(hash->size(), 1u);
  EXPECT_FALSE(hash->Contains("soon"));
  EXPECT_EQ(context_.stats.expired_fields, 1u);
}

TEST_F(FieldExpiryTest, TheKeyGoesWithItsLastFieldAndTellsSo) {
  SwitchEventsOn();
  SetField("h", "f", kStart + 10);
  events_.Take();
  context_.SetTime(kStart + 10);
  EXPECT_EQ(*db_.Find<Hash>(HashKey("h")), nullptr);
  EXPECT_EQ(events_.Take(), (std::vector<std::string>{"0 hexpired h", "0 del h"}));
  EXPECT_EQ(db_.Peek(HashKey("h")), nullptr);
  EXPECT_EQ(TableOf("h").volatile_hash_count, 0u);
  SetField("h", "g", Hash::kNoFieldExpiry);
  EXPECT_EQ((*db_.Find<Hash>(HashKey("h")))->size(), 1u);
}

TEST_F(FieldExpiryTest, DueFieldsGoByThemselves) {
  for (int i = 0; i < 100; ++i)
    SetField("h" + std::to_string(i % 10), std::to_string(i), kStart + 100 + 10 * i);
  SetField("h0", "stays", Hash::kNoFieldExpiry);
  context_.SetTime(kStart + 600);
  ExpireDue();
  EXPECT_EQ(context_.stats.expired_fields, 51u);
  context_.SetTime(kStart + 5000);
  ExpireDue();
  EXPECT_EQ(context_.stats.expired_fields, 100u);
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
}

TEST_F(FieldExpiryTest, ABigHashLosesItsDueFieldsInSlices) {
  for (int i = 0; i < 1000; ++i) SetField("h", std::to_string(i), kStart + 10);
  context_.SetTime(kStart + 100);
  size_t slices = 0;
  for (bool done = false; !done; ++slices) {
    size_t budget = 64;
    done = keyspace_.ExpireDue(HashKey("h").shard(), &budget, context_);
    EXPECT_LE(context_.stats.expired_fields, 64 * (slices + 1));
  }
  EXPECT_GE(slices, 1000u / 64);
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(FieldExpiryTest, TimesGoAlongWhenAKeyIsMovedOrCopied) {
  SetField("from", "f", kStart + 10);
  SetField("from", "stays", Hash::kNoFieldExpiry);
  db_.CopyFrom(HashKey("copy"), db_.Peek(HashKey("from")));
  other_db_.Adopt(HashKey("to"), HashKey("from").shard(), db_.Extract(HashKey("from")));
  EXPECT_EQ(TableOf("from").volatile_hash_count, 0u);
  context_.SetTime(kStart + 100);
  ExpireDue();
  EXPECT_EQ(context_.stats.expired_fields, 2u);
  EXPECT_EQ((*db_.Find<Hash>(HashKey("copy")))->size(), 1u);
  EXPECT_EQ((*other_db_.Find<Hash>(HashKey("to")))->size(), 1u);
}

TEST_F(FieldExpiryTest, AKeysOwnTimeAndItsFieldsTimesBothCount) {
  SetField("h", "f", kStart + 1000);
  SetField("h", "g", Hash::kNoFieldExpiry);
  db_.SetExpiry(HashKey("h"), db_.Peek(HashKey("h")), kStart + 2000);
  context_.SetTime(kStart + 1100);
  ExpireDue();
  EXPECT_EQ((*db_.Find<Hash>(HashKey("h")))->size(), 1u);
  context_.SetTime(kStart + 2100);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
  EXPECT_EQ(context_.stats.expired, 1u);
}

TEST_F(FieldExpiryTest, OverwritingTheKeyForgetsItsFields) {
  SetField("h", "f", kStart + 10);
  Set("h", "text");
  EXPECT_EQ(TableOf("h").volatile_hash_count, 0u);
  context_.SetTime(kStart + 100);
  ExpireDue();
  EXPECT_EQ(Get("h"), "text");
  EXPECT_EQ(context_.stats.expired_fields, 0u);
}

TEST_F(FieldExpiryTest, EvictingAKeyLeavesTheIndexToOtherKeysFields) {
  SetField("h", "f", kStart + 10);
  SetField("h", "stays", Hash::kNoFieldExpiry);
  size_t shard = HashKey("h").shard();
  std::string neighbour = "k";
  while (HashKey(neighbour).shard() != shard) neighbour += "k";
  Set(neighbour, "v", kStart + 5);
  db_.Evict(shard, db_.Peek(HashKey(neighbour)));
  context_.SetTime(kStart + 100);
  ExpireDue();
  EXPECT_EQ(context_.stats.expired_fields, 1u);
}

}  // namespace
}  // namespace kiln
