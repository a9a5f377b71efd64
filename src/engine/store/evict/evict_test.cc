#include "engine/store/evict/evict.h"

#include "base/memory.h"
#include "engine/store/store_fixture.h"
#include "engine/store/types/list.h"

namespace kiln {
namespace {

class EvictTest : public StoreTest {
 protected:
  static constexpr int kKeys = 4000;

  static std::string Name(int i) { return "key:" + std::to_string(i); }

  // Keys with long values; every second one has a TTL, the later the higher its number.
  void Fill() {
    for (int i = 0; i < kKeys; ++i) {
      uint64_t expiry =
          i % 2 == 0 ? kNoExpiry : kStart + 1'000'000 + static_cast<uint64_t>(i) * 1000;
      Set(Name(i), std::string(500, 'v'), expiry);
    }
  }
  // The policy of kiln-memcached.
  void KeepFrequent() {
    settings_.memcache.keeps_frequent = true;
    settings_.maxmemory_policy = EvictionPolicy::kAllKeysLru;
    context_.SetTime(kStart);
  }
  // Makes a quarter of the keys go by the policy; returns whether that was possible.
  bool EvictQuarter(EvictionPolicy policy) {
    settings_.maxmemory_policy = policy;
    return EvictToLimit(keyspace_, context_, AllocatedBytes() - kKeys / 4 * 500);
  }
  // How many of the keys with these numbers are left.
  template <class F>
  int Left(F&& is_wanted) {
    int left = 0;
    for (int i = 0; i < kKeys; ++i) left += is_wanted(i) && db_.Peek(HashKey(Name(i))) != nullptr;
    return left;
  }
};

constexpr auto kHasTtl = [](int i) { return i % 2 == 1; };
constexpr auto kHasNoTtl = [](int i) { return i % 2 == 0; };
constexpr auto kAny = [](int) { return true; };

TEST_F(EvictTest, NoEvictionOnlySaysWhetherMemoryIsEnough) {
  Fill();
  EXPECT_FALSE(EvictQuarter(EvictionPolicy::kNoEviction));
  EXPECT_EQ(keyspace_.KeyCount(0), static_cast<size_t>(kKeys));
  EXPECT_TRUE(EvictToLimit(keyspace_, context_, AllocatedBytes() + 100'000));
}

TEST_F(EvictTest, EveryPolicyGoesDownToTheLimitAndNotMuchFurther) {
  for (EvictionPolicy policy :
       {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLfu, EvictionPolicy::kVolatileRandom,
        EvictionPolicy::kVolatileTtl, EvictionPolicy::kAllKeysLru, EvictionPolicy::kAllKeysLfu,
        EvictionPolicy::kAllKeysRandom}) {
    Fill();
    size_t evicted = context_.stats.evicted;
    EXPECT_TRUE(EvictQuarter(policy));
    size_t gone = kKeys - keyspace_.KeyCount(0);
    EXPECT_GT(gone, kKeys / 8u) << static_cast<int>(policy);
    EXPECT_LT(gone, kKeys / 2u) << static_cast<int>(policy);
    EXPECT_EQ(context_.stats.evicted - evicted, gone);
    keyspace_.Flush(0, true, context_);
  }
}

TEST_F(EvictTest, VolatilePoliciesSpareKeysWithoutATtl) {
  for (EvictionPolicy policy : {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLfu,
                                EvictionPolicy::kVolatileRandom, EvictionPolicy::kVolatileTtl}) {
    Fill();
    EXPECT_TRUE(EvictQuarter(policy));
    EXPECT_EQ(Left(kHasNoTtl), kKeys / 2) << static_cast<int>(policy);
    keyspace_.Flush(0, true, context_);
  }
}

TEST_F(EvictTest, VolatilePolicyGivesUpWhenOnlyLastingKeysAreLeft) {
  Fill();
  settings_.maxmemory_policy = EvictionPolicy::kVolatileLru;
  EXPECT_FALSE(EvictToLimit(keyspace_, context_, 0));
  EXPECT_EQ(Left(kHasTtl), 0);
  EXPECT_EQ(Left(kHasNoTtl), kKeys / 2);
}

TEST_F(EvictTest, AllKeysPolicyCanEmptyTheKeyspace) {
  Fill();
  other_db_.SetString(HashKey("other"), std::string(500, 'v'), {});
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysRandom;
  EXPECT_FALSE(EvictToLimit(keyspace_, context_, 0));
  EXPECT_EQ(keyspace_.KeyCount(0) + keyspace_.KeyCount(1), 0u);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
}

TEST_F(EvictTest, LruPrefersWhatHasNotBeenUsedForLong) {
  Fill();
  context_.SetTime(context_.now_ms + 100'000);
  auto is_used = [](int i) { return i % 4 < 2; };
  for (int i = 0; i < kKeys; ++i) {
    if (is_used(i)) db_.Find(HashKey(Name(i)));
  }
  EXPECT_TRUE(EvictQuarter(EvictionPolicy::kAllKeysLru));
  EXPECT_GT(Left(is_used), kKeys / 2 * 99 / 100);
  EXPECT_LT(Left(kAny), kKeys * 7 / 8);
}

TEST_F(EvictTest, LfuPrefersWhatIsRarelyUsed) {
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysLfu;
  Fill();
  auto is_used = [](int i) { return i % 4 < 2; };
  for (int i = 0; i < kKeys; ++i) {
    for (int use = 0; is_used(i) && use < 50; ++use) db_.Find(HashKey(Name(i)));
  }
  EXPECT_TRUE(EvictQuarter(EvictionPolicy::kAllKeysLfu));
  EXPECT_GT(Left(is_used), kKeys / 2 * 99 / 100);
}

TEST_F(EvictTest, KeepingTheFrequentSparesWhatIsReadWhateverComesOnce) {
  KeepFrequent();
  Fill();
  auto is_read = [](int i) { return i % 4 == 0; };
  for (int i = 0; i < 4 * kKeys; ++i) {
    if (is_read(i)) db_.Find(HashKey(Name(i % kKeys)));
  }
  size_t limit = AllocatedBytes();
  for (int scanned = 0; scanned < 4 * kKeys; ++scanned) {
    Set("scan:" + std::to_string(scanned), std::string(500, 's'));
    ASSERT_TRUE(EvictToLimit(keyspace_, context_, limit));
  }
  EXPECT_GT(Left(is_read), kKeys / 4 * 95 / 100);
  EXPECT_LT(Left(kAny), kKeys / 2);
}

TEST_F(EvictTest, KeepingTheFrequentForgetsWhatWasPopularOnce) {
  KeepFrequent();
  Fill();
  for (int i = 0; i < kKeys; ++i) {
    for (int reads = 0; reads < 10; ++reads) db_.Find(HashKey(Name(i)));
  }
  size_t limit = AllocatedBytes();
  // An old one is worth less than a new one, which has one read, when it has lost all four of its
  // own. In the time in which as many are evicted as there are, one read goes on average, and
  // fewer in a shard that holds more of these few keys than others do: in twelve such times, 4% of
  // the old ones are expected to have lost less than four.
  for (int i = 0; i < 12 * kKeys; ++i) {
    std::string fresh = "new:" + std::to_string(i);
    Set(fresh, std::string(500, 'n'));
    db_.Find(HashKey(fresh));
    ASSERT_TRUE(EvictToLimit(keyspace_, context_, limit));
  }
  EXPECT_LT(Left(kAny), kKeys / 10);
}

TEST_F(EvictTest, PagesOfEvictedRecordsServeOtherSizes) {
  KeepFrequent();
  for (int i = 0; i < 40 * kKeys; ++i) Set(Name(i), std::string(90, 'v'));
  size_t limit = AllocatedBytes();
  size_t pages = RecordPagePool().used_bytes();
  for (int i = 0; i < 10 * kKeys; ++i) {
    Set("large:" + std::to_string(i), std::string(900, 'l'));
    ASSERT_TRUE(EvictToLimit(keyspace_, context_, limit));
  }
  EXPECT_LT(RecordPagePool().used_bytes(), pages + pages / 4);
  for (int i = 0; i < 40 * kKeys; ++i) {
    Record* record = db_.Peek(HashKey(Name(i)));
    if (record == nullptr) continue;
    ASSERT_EQ(record->raw(), std::string(90, 'v')) << i;
  }
}

TEST_F(EvictTest, TtlPrefersWhatEndsSoonest) {
  Fill();
  EXPECT_TRUE(EvictQuarter(EvictionPolicy::kVolatileTtl));
  int soon = Left([](int i) { return i % 2 == 1 && i < kKeys / 2; });
  int late = Left([](int i) { return i % 2 == 1 && i >= kKeys / 2; });
  EXPECT_LT(soon * 2, late);
}

TEST_F(EvictTest, StaleHintsDoNotHideTheOneVolatileKey) {
  for (int i = 0; i < kKeys; ++i) Set(Name(i), "v", kStart + 1000);
  for (int i = 0; i < kKeys; ++i) Set(Name(i), "v");
  Set(Name(77), "v", kStart + 1000);
  settings_.maxmemory_policy = EvictionPolicy::kVolatileRandom;
  EXPECT_FALSE(EvictToLimit(keyspace_, context_, 0));
  EXPECT_EQ(keyspace_.KeyCount(0), static_cast<size_t>(kKeys) - 1);
  EXPECT_EQ(Get(Name(77)), "(none)");
}

TEST_F(EvictTest, EvictedKeyIsAnnouncedAndMarksItsWatchers) {
  settings_.notify_keyspace_events = kEventEvicted;
  Set("k", std::string(500, 'v'));
  auto state = std::make_shared<WatchState>();
  Shard& shard = keyspace_.shard(HashKey("k").shard());
  shard.watched = std::make_unique<WatchList>();
  shard.watched->Add({0, "k"}, state);
  shard.NoteWatched();
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysLru;
  EXPECT_FALSE(EvictToLimit(keyspace_, context_, 0));
  EXPECT_EQ(events_.Take(), std::vector<std::string>{"0 evicted k"});
  EXPECT_TRUE(state->dirty.load());
}

TEST_F(EvictTest, BigValueIsFreedBeforeMoreKeysGo) {
  auto* list = *db_.FindOrCreate<List>(HashKey("big"));
  for (int i = 0; i < 20'000; ++i) list->PushTail("element " + std::to_string(i), {});
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysRandom;
  size_t limit = AllocatedBytes() - 1000;
  EXPECT_TRUE(EvictToLimit(keyspace_, context_, limit));
  EXPECT_LE(AllocatedBytes(), limit);
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

}  // namespace
}  // namespace kiln
