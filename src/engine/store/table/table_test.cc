#include "engine/store/table/table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"

namespace kiln {
namespace {

struct StringPolicy {
  using Entry = std::string;
  static uint64_t Hash(const Entry* entry) { return HashBytes(*entry); }
  static bool Equals(const Entry* entry, std::string_view key) { return *entry == key; }
};

// A table of strings beside the set that says what must be in it.
struct TableTest : testing::Test {
  Table<StringPolicy> table;
  std::map<std::string, std::unique_ptr<std::string>> model;

  void Insert(const std::string& key) {
    auto& owned = model[key];
    owned = std::make_unique<std::string>(key);
    table.Insert(HashBytes(key), owned.get());
  }
  void Remove(const std::string& key) {
    EXPECT_EQ(table.Remove(HashBytes(key), key), model[key].get());
    model.erase(key);
  }
};

TEST_F(TableTest, FindsWhatWasInsertedAndNothingElse) {
  for (int i = 0; i < 20000; ++i) Insert("key:" + std::to_string(i));
  EXPECT_EQ(table.size(), 20000u);
  for (auto& [key, owned] : model) EXPECT_EQ(table.Find(HashBytes(key), key), owned.get());
  EXPECT_EQ(table.Find(HashBytes("absent"), "absent"), nullptr);
}

TEST_F(TableTest, StaysDenseAtEverySize) {
  double least = 1;
  for (int i = 0; i < 40000; ++i) {
    Insert("k" + std::to_string(i));
    if (i > 1000) {
      least = std::min(least, double(table.size()) / (table.memory_bytes() / 8));
    }
  }
  EXPECT_GT(least, 0.72);
}

TEST_F(TableTest, ReservedRoomIsFilledToTheUsualDensity) {
  for (size_t keys : {1, 100, 3000, 40000}) {
    table.Reserve(keys);
    size_t reserved = table.memory_bytes();
    size_t seen = 0;
    uint64_t cursor = 0;
    do {
      cursor = table.Scan(cursor, 100, [&](std::string*) { ++seen; });
    } while (cursor != 0);
    EXPECT_EQ(seen, 0u);
    for (size_t i = 0; i < keys; ++i) Insert("k" + std::to_string(i));
    for (auto& [key, owned] : model) EXPECT_EQ(table.Find(HashBytes(key), key), owned.get());
    EXPECT_LT(double(table.memory_bytes()), 1.15 * double(reserved) + 512) << keys;
    double fullness = double(keys) / (double(table.memory_bytes()) / 8);
    EXPECT_GT(fullness, keys > 1000 ? 0.7 : 0.1);
    table.Reserve(10 * keys);  // too late
    EXPECT_EQ(table.size(), keys);
    table.Clear();
    model.clear();
  }
}

TEST_F(TableTest, RandomInsertsAndRemovalsMatchTheModel) {
  Random random(7);
  for (int i = 0; i < 60000; ++i) {
    std::string key = std::to_string(random.Below(i < 30000 ? 8000 : 500));
    if (model.contains(key)) {
      Remove(key);
    } else {
      Insert(key);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::set<std::string> seen;
  table.ForEach([&](std::string* entry) { EXPECT_TRUE(seen.insert(*entry).second); });
  EXPECT_EQ(seen.size(), model.size());
}

TEST_F(TableTest, ScanReturnsEntriesPresentThroughoutWhileTheTableGrowsAndShrinks) {
  std::set<std::string> expected;
  for (int i = 0; i < 3000; ++i) {
    Insert("stay" + std::to_string(i));
    expected.insert("stay" + std::to_string(i));
  }
  uint64_t cursor = 0;
  int round = 0;
  do {
    cursor = table.Scan(cursor, 10, [&](std::string* entry) { expected.erase(*entry); });
    for (int i = 0; i < 50; ++i) Insert("come" + std::to_string(round * 50 + i));
    if (round > 100) {
      for (int i = 0; i < 50; ++i) Remove("come" + std::to_string((round - 101) * 50 + i));
    }
    ++round;
  } while (cursor != 0);
  EXPECT_TRUE(expected.empty()) << expected.size();
  EXPECT_GT(round, 100);
}

TEST_F(TableTest, ScanOfAnUnchangedTableReturnsEachEntryOnce) {
  for (int i = 0; i < 5000; ++i) Insert(std::to_string(i));
  std::multiset<std::string> seen;
  uint64_t cursor = 0;
  do {
    cursor = table.Scan(cursor, 10, [&](std::string* entry) { seen.insert(*entry); });
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 5000u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 5000u);
}

TEST_F(TableTest, DrainEmptiesInSlices) {
  for (int i = 0; i < 5000; ++i) Insert(std::to_string(i));
  size_t freed = 0;
  size_t slices = 0;
  while (true) {
    size_t budget = 100;
    bool done = table.Drain(&budget, [&](std::string*) { ++freed; });
    ++slices;
    if (done) break;
  }
  EXPECT_EQ(freed, 5000u);
  EXPECT_GE(slices, 40u);
  EXPECT_EQ(table.memory_bytes(), 0u);
}

TEST_F(TableTest, RandomEntryReachesEveryEntry) {
  for (int i = 0; i < 100; ++i) Insert(std::to_string(i));
  Random random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) seen.insert(*table.RandomEntry(random));
  EXPECT_EQ(seen.size(), 100u);
}

// Whatever happens to the table, what was seen before is found where it was or not at all: never
// another entry, never freed memory.
TEST_F(TableTest, SeenEntriesAreFoundWhereTheyWereOrNotAtAll) {
  Random random(11);
  size_t found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string key = std::to_string(random.Below(4000));
    TableHint hint = table.PrefetchBucket(HashBytes(key), 3);
    Table<StringPolicy>::PrefetchEntry(&hint);
    for (uint64_t change = random.Below(20); change > 0; --change) {
      std::string other = change % 4 == 0 ? key : std::to_string(random.Below(4000));
      if (model.contains(other)) {
        Remove(other);
      } else {
        Insert(other);
      }
    }
    if (round % 500 == 499) {
      Table<StringPolicy> emptied;
      emptied.Swap(table);
      model.clear();
    }
    std::string* entry = Table<StringPolicy>::FindSeen(hint, key);
    if (entry == nullptr) continue;
    ++found;
    ASSERT_TRUE(model.contains(key));
    EXPECT_EQ(entry, model[key].get());
  }
  EXPECT_GT(found, 100u);
}

TEST_F(TableTest, ReplaceMovesAnEntry) {
  for (int i = 0; i < 1000; ++i) Insert(std::to_string(i));
  auto moved = std::make_unique<std::string>("500");
  table.Replace(HashBytes("500"), model["500"].get(), moved.get());
  EXPECT_EQ(table.Find(HashBytes("500"), "500"), moved.get());
}

// A reader without the lock may be following a word of a directory that was freed meanwhile.
TEST(BucketHeap, AFreedDirectoryNeverServesAsBuckets) {
  constexpr size_t kWords = 64;
  std::set<const void*> directories;
  for (int i = 0; i < 20; ++i) {
    std::atomic<uint64_t>* directory = AllocateDirectory(kWords);
    directories.insert(directory);
    FreeDirectory(directory, kWords);
  }
  std::vector<void*> buckets;
  for (int i = 0; i < 5000; ++i) {
    buckets.push_back(AllocateBuckets(kWords * sizeof(uint64_t)));
    EXPECT_FALSE(directories.contains(buckets.back()));
  }
  for (void* memory : buckets) FreeBuckets(memory, kWords * sizeof(uint64_t));
}

}  // namespace
}  // namespace kiln
