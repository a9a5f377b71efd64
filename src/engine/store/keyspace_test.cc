#include "engine/store/keyspace.h"

#include "base/memory.h"
#include "engine/store/store_fixture.h"
#include "engine/store/types/set.h"

namespace kiln {
namespace {

class KeyspaceTest : public StoreTest {
 protected:
  void Fill(int keys) {
    for (int i = 0; i < keys; ++i)
      Set("key:" + std::to_string(i), std::string(static_cast<size_t>(i % 2000), 'v'));
  }
};

TEST_F(KeyspaceTest, CountsKeysAndVolatileKeysOfADatabase) {
  Set("a", "1");
  Set("b", "2", kStart + 1000);
  EXPECT_EQ(keyspace_.KeyCount(0), 2u);
  EXPECT_EQ(keyspace_.VolatileCount(0), 1u);
  EXPECT_EQ(keyspace_.KeyCount(1), 0u);
}

TEST_F(KeyspaceTest, FlushAtOnceGivesAllRecordsBack) {
  size_t before = AllocatedBytes();
  Fill(3000);
  EXPECT_EQ(keyspace_.Flush(0, true, context_), 3000u);
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
  EXPECT_FALSE(keyspace_.HasFlushed());
  EXPECT_EQ(RecordBytes(), 0u);
  EXPECT_LT(AllocatedBytes(), before + 100'000);
}

TEST_F(KeyspaceTest, FlushedKeysAreGoneAtOnceAndFreedInSlices) {
  Fill(3000);
  EXPECT_EQ(keyspace_.Flush(0, false, context_), 3000u);
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
  EXPECT_EQ(Get("key:1"), "(none)");
  EXPECT_TRUE(keyspace_.HasFlushed());
  EXPECT_GT(RecordBytes(), 0u);
  Set("key:1", "new");
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    size_t budget = 1;
    while (!keyspace_.FreeFlushed(shard, &budget, context_)) budget = 1;
  }
  EXPECT_FALSE(keyspace_.HasFlushed());
  EXPECT_EQ(Get("key:1"), "new");
  EXPECT_LT(RecordBytes(), 100u);
}

TEST_F(KeyspaceTest, FlushingTwiceKeepsBothForLater) {
  Fill(100);
  keyspace_.Flush(0, false, context_);
  Fill(100);
  keyspace_.Flush(0, false, context_);
  FreeFlushed();
  EXPECT_FALSE(keyspace_.HasFlushed());
  EXPECT_EQ(RecordBytes(), 0u);
}

TEST_F(KeyspaceTest, FlushFreesCollectionsToo) {
  size_t before = AllocatedBytes();
  auto* set = *db_.FindOrCreate<kiln::Set>(HashKey("set"));
  for (int i = 0; i < 5000; ++i) set->Add("member " + std::to_string(i), {});
  keyspace_.Flush(0, true, context_);
  EXPECT_EQ(context_.reclaimer.pending(), 1u);
  FreeFlushed();
  EXPECT_LT(AllocatedBytes(), before + 100'000);
}

TEST_F(KeyspaceTest, FlushLeavesOtherDatabasesAlone) {
  Set("a", "1");
  other_db_.SetString(HashKey("a"), "other", {});
  keyspace_.Flush(0, true, context_);
  EXPECT_EQ(Get(other_db_, "a"), "other");
}

TEST_F(KeyspaceTest, ASwapVoidsWhereKeysWereSeen) {
  Set("k", "here");
  other_db_.SetString(HashKey("k"), "there", {});
  Key key = HashKey("k");
  TableHint hint = db_.PrefetchBucket(key);
  Db::PrefetchRecord(&hint);
  key.seen = &hint;
  keyspace_.SwapDatabases(0, 1);
  char scratch[kMaxInt64Chars];
  EXPECT_EQ(Db::StringOf(db_.Peek(key), scratch), "there");
}

TEST_F(KeyspaceTest, SwappedDatabasesKeepTheirTimesToLive) {
  Set("a", "zero", kStart + 1000);
  other_db_.SetString(HashKey("a"), "one", {});
  keyspace_.SwapDatabases(0, 1);
  EXPECT_EQ(Get("a"), "one");
  EXPECT_EQ(Get(other_db_, "a"), "zero");
  EXPECT_EQ(keyspace_.VolatileCount(1), 1u);
  context_.SetTime(kStart + 1000 + ExpiryIndex::kTickMs);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(1), 0u);
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
  EXPECT_EQ(events_.Take().size(), 0u);  // no class is switched on
}

TEST_F(KeyspaceTest, ExpireDueRemovesWhatIsDueAndSaysWhenToComeAgain) {
  Key key = HashKey("a");
  Set("a", "1", kStart + 100);
  auto next = [&] { return keyspace_.shard(key.shard()).next_expiry_ms.load(); };
  EXPECT_LE(next(), kStart + 100 + ExpiryIndex::kTickMs);
  context_.SetTime(kStart + 50);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(0), 1u);
  EXPECT_GT(next(), context_.now_ms);
  context_.SetTime(kStart + 100 + ExpiryIndex::kTickMs);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
  EXPECT_EQ(next(), ExpiryIndex::kNever);
  EXPECT_EQ(context_.stats.expired, 1u);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
}

TEST_F(KeyspaceTest, ExpireDueStopsAtItsBudget) {
  // Keys of one shard.
  std::vector<std::string> keys;
  for (int i = 0; keys.size() < 20; ++i) {
    std::string key = "key:" + std::to_string(i);
    if (HashKey(key).shard() == 5) keys.push_back(key);
  }
  for (const std::string& key : keys) Set(key, "v", kStart + 100);
  context_.SetTime(kStart + 1000);
  size_t budget = 8;
  EXPECT_FALSE(keyspace_.ExpireDue(5, &budget, context_));
  EXPECT_EQ(keyspace_.KeyCount(0), 12u);
  EXPECT_LE(keyspace_.shard(5).next_expiry_ms.load(), context_.now_ms);
  budget = 100;
  EXPECT_TRUE(keyspace_.ExpireDue(5, &budget, context_));
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(KeyspaceTest, RecordsUpToOneKilobyteComeFromTheSlabHeap) {
  Set("small", std::string(900, 'v'));
  Set("large", std::string(5000, 'v'));
  EXPECT_FALSE(db_.Peek(HashKey("small"))->is_large());
  EXPECT_TRUE(db_.Peek(HashKey("large"))->is_large());
  EXPECT_GE(keyspace_.CapacityBytes(HashKey("large").shard(), db_.Peek(HashKey("large"))), 5000u);
  EXPECT_LT(RecordBytes(), 2000u);
}

}  // namespace
}  // namespace kiln
