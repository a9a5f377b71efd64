// What every state store must do. A new implementation adds one line to the list of factories.

#include "control/store/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "control/store/sqlite_store.h"

namespace kiln {
namespace {

// A place for one store, which can be closed and opened again as a restart does.
class StoreHome {
 public:
  virtual ~StoreHome() = default;
  virtual std::unique_ptr<Store> Open() = 0;
};

class SqliteHome final : public StoreHome {
 public:
  SqliteHome() {
    std::string folder = (std::filesystem::temp_directory_path() / "kiln-store-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
  }
  ~SqliteHome() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Store> Open() override {
    std::string problem;
    std::unique_ptr<Store> store = SqliteStore::Open(folder_ / "state.db", &problem);
    EXPECT_NE(store, nullptr) << problem;
    return store;
  }

 private:
  std::filesystem::path folder_;
};

using HomeFactory = std::unique_ptr<StoreHome> (*)();

class StoreTest : public testing::TestWithParam<HomeFactory> {
 protected:
  StoreTest() : home_(GetParam()()), store_(home_->Open()) {}

  uint64_t Put(const std::string& key, const std::string& value) {
    auto revision = store_->Txn({.compares = {}, .puts = {{key, value}}, .deletes = {}});
    EXPECT_TRUE(revision);
    return revision ? *revision : 0;
  }
  std::string ValueOf(const std::string& key) {
    auto entry = store_->Get(key);
    return entry && *entry ? (*entry)->value : "(absent)";
  }
  std::vector<std::string> Keys(std::string_view prefix, std::string_view after = {},
                                size_t limit = 0) {
    std::vector<std::string> keys;
    auto entries = store_->List(prefix, after, limit);
    if (entries) {
      for (const StoreEntry& entry : *entries) keys.push_back(entry.key);
    }
    return keys;
  }

  std::unique_ptr<StoreHome> home_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreTest, WhatWasPutIsThereAfterAReopen) {
  uint64_t revision = Put("a/1", "one");
  store_.reset();
  store_ = home_->Open();
  EXPECT_EQ(ValueOf("a/1"), "one");
  EXPECT_EQ((*store_->Get("a/1"))->revision, revision);
  EXPECT_GT(Put("a/2", "two"), revision);
}

TEST_P(StoreTest, AnAbsentKeyIsNoError) {
  auto entry = store_->Get("nothing");
  ASSERT_TRUE(entry);
  EXPECT_FALSE(*entry);
}

TEST_P(StoreTest, ListsAPrefixInOrderOfKeyFromAfterAKeyUpToALimit) {
  for (const char* key : {"b/2", "a/9", "b/10", "b/1", "b", "c/1"}) Put(key, "x");
  EXPECT_EQ(Keys("b/"), (std::vector<std::string>{"b/1", "b/10", "b/2"}));
  EXPECT_EQ(Keys("b/", "b/1"), (std::vector<std::string>{"b/10", "b/2"}));
  EXPECT_EQ(Keys("b/", "", 2), (std::vector<std::string>{"b/1", "b/10"}));
  EXPECT_EQ(Keys("", "", 0).size(), 6u);
  EXPECT_TRUE(Keys("zzz").empty());
}

TEST_P(StoreTest, ValuesMayHoldAnyText) {
  std::string text = "line\nquote\"'\\ \xE2\x82\xAC";
  Put("a", text);
  EXPECT_EQ(ValueOf("a"), text);
}

TEST_P(StoreTest, ATransactionIsAllOrNothing) {
  Put("a", "1");
  auto result = store_->Txn({.compares = {{"a", 999}}, .puts = {{"b", "x"}}, .deletes = {"a"}});
  EXPECT_EQ(result.error(), StoreError::kConflict);
  EXPECT_EQ(ValueOf("a"), "1");
  EXPECT_EQ(ValueOf("b"), "(absent)");
}

TEST_P(StoreTest, RevisionZeroMeansAbsent) {
  Transaction create{.compares = {{"a", 0}}, .puts = {{"a", "1"}}, .deletes = {}};
  EXPECT_TRUE(store_->Txn(create));
  EXPECT_EQ(store_->Txn(create).error(), StoreError::kConflict);
}

TEST_P(StoreTest, APutMovesTheRevisionThatAComparisonSees) {
  uint64_t first = Put("a", "1");
  uint64_t second = Put("a", "1");  // Even with the same value.
  EXPECT_GT(second, first);
  Transaction stale{.compares = {{"a", first}}, .puts = {{"a", "2"}}, .deletes = {}};
  EXPECT_EQ(store_->Txn(stale).error(), StoreError::kConflict);
  stale.compares[0].revision = second;
  EXPECT_TRUE(store_->Txn(stale));
}

TEST_P(StoreTest, DeletingWhatIsAbsentIsFine) {
  EXPECT_TRUE(store_->Txn({.compares = {}, .puts = {}, .deletes = {"a"}}));
}

TEST_P(StoreTest, RefusesValuesAndKeysOverTheLimit) {
  Transaction big{
      .compares = {}, .puts = {{"a", std::string(Store::kMaxValueBytes + 1, 'x')}}, .deletes = {}};
  EXPECT_EQ(store_->Txn(big).error(), StoreError::kTooLarge);
  big.puts = {{std::string(Store::kMaxKeyBytes + 1, 'k'), "x"}};
  EXPECT_EQ(store_->Txn(big).error(), StoreError::kTooLarge);
  Put("a", std::string(Store::kMaxValueBytes, 'x'));
}

TEST_P(StoreTest, AWatchTellsOfPutsAndDeletesUnderItsPrefix) {
  std::vector<std::string> told;
  auto watch = store_->Watch("a/", [&](const std::string& key) { told.push_back(key); });
  Put("a/1", "x");
  Put("b/1", "x");
  EXPECT_TRUE(store_->Txn({.compares = {}, .puts = {}, .deletes = {"a/1"}}));
  EXPECT_EQ(told, (std::vector<std::string>{"a/1", "a/1"}));
  watch.reset();
  Put("a/2", "x");
  EXPECT_EQ(told.size(), 2u);
}

TEST_P(StoreTest, AWatcherMayUseTheStore) {
  std::string seen;
  auto watch = store_->Watch("a", [&](const std::string& key) { seen = ValueOf(key); });
  Put("a", "1");
  EXPECT_EQ(seen, "1");
}

TEST_P(StoreTest, NoIncrementIsLostBetweenThreads) {
  constexpr int kThreads = 4, kEach = 10;
  Put("n", "0");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int done = 0; done < kEach;) {
        StoreEntry entry = **store_->Get("n");
        std::string next = std::to_string(std::stoi(entry.value) + 1);
        if (store_->Txn(
                {.compares = {{"n", entry.revision}}, .puts = {{"n", next}}, .deletes = {}}))
          ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ValueOf("n"), std::to_string(kThreads * kEach));
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreTest, testing::Values([]() -> std::unique_ptr<StoreHome> {
                           return std::make_unique<SqliteHome>();
                         }));

}  // namespace
}  // namespace kiln
