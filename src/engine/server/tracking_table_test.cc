#include "engine/server/tracking_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace kiln {
namespace {

std::vector<uint64_t> IdsOf(const TrackingTable::Readers& readers) {
  std::vector<uint64_t> ids;
  for (const ClientHandle& reader : readers) ids.push_back(reader.id);
  return ids;
}

TEST(TrackingTable, AKeyThatChangesTakesItsReadersAlong) {
  TrackingTable table;
  table.Add(HashKey("a"), {1, 7});
  table.Add(HashKey("a"), {0, 3});
  table.Add(HashKey("b"), {1, 7});
  EXPECT_EQ(table.keys(), 2u);
  EXPECT_EQ(table.items(), 3u);
  EXPECT_EQ(IdsOf(table.Take(HashKey("a"))), (std::vector<uint64_t>{3, 7}));
  EXPECT_TRUE(table.Take(HashKey("a")).empty());
  EXPECT_EQ(table.keys(), 1u);
  EXPECT_EQ(table.items(), 1u);
}

TEST(TrackingTable, AReaderIsRememberedOnceWithItsWorker) {
  TrackingTable table;
  for (int i = 0; i < 3; ++i) table.Add(HashKey("k"), {2, 5});
  EXPECT_EQ(table.items(), 1u);
  TrackingTable::Readers readers = table.Take(HashKey("k"));
  ASSERT_EQ(readers.size(), 1u);
  EXPECT_EQ(readers[0], (ClientHandle{2, 5}));
}

TEST(TrackingTable, TheEmptyKeyIsAKey) {
  TrackingTable table;
  Random random(1);
  std::string name = "other";
  table.Add(HashKey(""), {0, 1});
  EXPECT_TRUE(table.RandomKey(HashKey("").shard(), random, &name));
  EXPECT_EQ(name, "");
  EXPECT_EQ(table.Take(HashKey("")).size(), 1u);
  EXPECT_FALSE(table.RandomKey(HashKey("").shard(), random, &name));
}

TEST(TrackingTable, AnyKeyOfAShardCanBeTheRandomOne) {
  TrackingTable table;
  Random random(1);
  std::set<std::string> all;
  size_t shard = HashKey("first").shard();
  for (int i = 0; all.size() < 5; ++i) {
    std::string key = "key" + std::to_string(i);
    if (HashKey(key).shard() != shard) continue;
    all.insert(key);
    table.Add(HashKey(key), {0, 1});
  }
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    std::string key;
    ASSERT_TRUE(table.RandomKey(shard, random, &key));
    seen.insert(key);
  }
  EXPECT_EQ(seen, all);
}

// The same steps on the table and on a map that does it in the plainest way.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void Step() {
    std::string key = "key" + std::to_string(random_.Below(60));
    ClientHandle client{static_cast<uint32_t>(random_.Below(3)), 0};
    client.id = client.worker + 3 * random_.Below(20);
    uint64_t kind = random_.Below(100);
    if (kind < 70) {
      table_.Add(HashKey(key), client);
      plain_[key].insert(client.id);
    } else if (kind < 95) {
      Take(key);
    } else if (kind < 99) {
      TakeRandom();
    } else {
      table_.Clear();
      plain_.clear();
    }
    Compare();
  }

 private:
  void Take(const std::string& key) {
    std::set<uint64_t> expected;
    if (plain_.contains(key)) expected = plain_[key];
    plain_.erase(key);
    TrackingTable::Readers readers = table_.Take(HashKey(key));
    EXPECT_EQ(IdsOf(readers), std::vector<uint64_t>(expected.begin(), expected.end()));
    for (const ClientHandle& reader : readers) EXPECT_EQ(reader.worker, reader.id % 3);
  }

  void TakeRandom() {
    size_t shard = HashKey("key" + std::to_string(random_.Below(60))).shard();
    bool has_any = false;
    for (const auto& [key, readers] : plain_) has_any |= HashKey(key).shard() == shard;
    std::string key;
    ASSERT_EQ(table_.RandomKey(shard, random_, &key), has_any);
    if (!has_any) return;
    EXPECT_TRUE(plain_.contains(key));
    Take(key);
  }

  void Compare() {
    size_t items = 0;
    for (const auto& [key, readers] : plain_) items += readers.size();
    ASSERT_EQ(table_.keys(), plain_.size());
    ASSERT_EQ(table_.items(), items);
  }

  Random random_;
  TrackingTable table_;
  std::map<std::string, std::set<uint64_t>> plain_;
};

TEST(TrackingTable, DoesWhatAPlainMapDoes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int i = 0; i < 500 && !testing::Test::HasFatalFailure(); ++i) model.Step();
  }
}

}  // namespace
}  // namespace kiln
