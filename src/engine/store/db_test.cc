#include "engine/store/db.h"

#include "engine/store/store_fixture.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"

namespace kiln {
namespace {

class DbTest : public StoreTest {
 protected:
  Record* At(std::string_view key) { return db_.Peek(HashKey(key)); }
  uint64_t ExpiryOf(std::string_view key) { return At(key)->expiry_ms(); }
  void SetExpiry(std::string_view key, uint64_t expiry_ms) {
    db_.SetExpiry(HashKey(key), At(key), expiry_ms);
  }
  void Resize(std::string_view key, size_t bytes, bool spare = false) {
    db_.ResizeString(HashKey(key), At(key), bytes, spare);
  }
};

// ---- Strings ----

TEST_F(DbTest, CanonicalIntegersAreKeptAsIntegers) {
  for (std::string_view text : {"0", "-1", "9223372036854775807", "-9223372036854775808"}) {
    Set("k", text);
    EXPECT_TRUE(At("k")->is_integer()) << text;
    EXPECT_EQ(Get("k"), text);
  }
  for (std::string_view text : {"", "-0", "01", "1.5", "9223372036854775808", " 1", "-"}) {
    Set("k", text);
    EXPECT_TRUE(At("k")->is_raw()) << text;
    EXPECT_EQ(Get("k"), text);
  }
}

TEST_F(DbTest, SetReplacesAnyTypeAndItsMetadata) {
  auto* list = *db_.FindOrCreate<List>(HashKey("k"));
  list->PushTail("x", {});
  SetExpiry("k", kStart + 1000);
  Set("k", "v");
  EXPECT_EQ(Get("k"), "v");
  EXPECT_EQ(ExpiryOf("k"), kNoExpiry);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
}

TEST_F(DbTest, SetKeepsTheExpiryWhenAsked) {
  Set("k", "v", kStart + 1000);
  db_.SetString(HashKey("k"), "a longer value", {.keep_expiry = true});
  EXPECT_EQ(ExpiryOf("k"), kStart + 1000);
  EXPECT_EQ(keyspace_.VolatileCount(0), 1u);
}

TEST_F(DbTest, SetIntegerLeavesMetadataAloneButForTheCasNumber) {
  db_.SetString(HashKey("k"), "text", {.expiry_ms = kStart + 1000, .client_flags = 5, .cas = 9});
  db_.SetInteger(HashKey("k"), 42);
  EXPECT_EQ(Get("k"), "42");
  EXPECT_EQ(ExpiryOf("k"), kStart + 1000);
  EXPECT_EQ(At("k")->client_flags(), 5u);
  EXPECT_EQ(At("k")->cas(), 0u);  // what it stood for is no more
  db_.SetInteger(HashKey("new"), -1);
  EXPECT_EQ(Get("new"), "-1");
}

TEST_F(DbTest, LargeCasNumberMovesTheItemAndNothingIsLost) {
  constexpr uint64_t kLarge = ~uint64_t{0};
  Key key = HashKey("k");
  Record* record =
      db_.SetString(key, "a value", {.expiry_ms = kStart + 1000, .client_flags = 5, .cas = 9});
  EXPECT_EQ(db_.SetCas(key, record, 10), record);
  record = db_.SetCas(key, record, kLarge);
  EXPECT_EQ(record, At("k"));
  EXPECT_EQ(record->cas(), kLarge);
  EXPECT_EQ(record->client_flags(), 5u);
  EXPECT_EQ(Get("k"), "a value");
  EXPECT_EQ(ExpiryOf("k"), kStart + 1000);
  EXPECT_EQ(keyspace_.VolatileCount(0), 1u);
}

TEST_F(DbTest, LargeFlagsAndNumbersOutliveWhateverHappensToTheString) {
  constexpr uint32_t kFlags = 0xfedcba98;
  constexpr uint64_t kLarge = uint64_t{1} << 63 | 77;
  Key key = HashKey("k");
  db_.SetString(key, "12345", {.client_flags = kFlags, .cas = kLarge});
  EXPECT_TRUE(At("k")->is_integer());
  db_.SetExpiry(key, At("k"), kStart + 1000);
  EXPECT_EQ(At("k")->cas(), kLarge);
  Resize("k", 3);
  EXPECT_EQ(Get("k"), "123");
  EXPECT_EQ(At("k")->client_flags(), kFlags);
  db_.SetCas(key, At("k"), kLarge + 1);
  Resize("k", 300);
  db_.SetCas(key, At("k"), kLarge + 2);
  Resize("k", 2);
  EXPECT_EQ(Get("k"), "12");
  db_.SetInteger(key, 7);
  EXPECT_EQ(At("k")->client_flags(), kFlags);
  EXPECT_EQ(ExpiryOf("k"), kStart + 1000);
}

TEST_F(DbTest, ResizedStringKeepsItsStartAndIsZeroBehind) {
  Set("k", "hello");
  Resize("k", 8);
  EXPECT_EQ(Get("k"), std::string("hello\0\0\0", 8));
  Resize("k", 2);
  EXPECT_EQ(Get("k"), "he");
  Resize("k", 200);
  EXPECT_EQ(Get("k"), "he" + std::string(198, '\0'));
  Resize("k", 5000);
  EXPECT_EQ(Get("k"), "he" + std::string(4998, '\0'));
  Set("n", "123");
  Resize("n", 4);
  EXPECT_EQ(Get("n"), std::string("123\0", 4));
  db_.ResizeString(HashKey("new"), nullptr, 3, true);
  EXPECT_EQ(Get("new"), std::string(3, '\0'));
}

TEST_F(DbTest, GrowthWithRoomToSpareMovesRarely) {
  Set("k", "");
  size_t moves = 0;
  const Record* before = At("k");
  for (size_t bytes = 1; bytes <= 100'000; ++bytes) {
    Record* after = db_.ResizeString(HashKey("k"), At("k"), bytes, true);
    moves += after != before;
    before = after;
  }
  EXPECT_LT(moves, 40u);
}

TEST_F(DbTest, EditedStringIsFreshAgainAfterSet) {
  Set("k", "hello");
  EXPECT_FALSE(At("k")->is_edited());
  Resize("k", 6);
  EXPECT_TRUE(At("k")->is_edited());
  SetExpiry("k", kStart + 1000);
  EXPECT_TRUE(At("k")->is_edited());
  Set("k", "worlds");
  EXPECT_FALSE(At("k")->is_edited());
  Resize("k", 6);
  Set("k", "sixsix");
  EXPECT_FALSE(At("k")->is_edited());
}

// ---- Looking up ----

TEST_F(DbTest, FindCountsHitsAndMissesAndTouchDoesNot) {
  Set("k", "v");
  db_.Find(HashKey("k"));
  db_.Inspect(HashKey("k"));
  db_.Find(HashKey("missing"));
  db_.Touch(HashKey("k"));
  db_.Peek(HashKey("missing"));
  EXPECT_EQ(context_.stats.hits, 2u);
  EXPECT_EQ(context_.stats.misses, 1u);
}

TEST_F(DbTest, OnlyFindAndTouchNoteTheUse) {
  Set("k", "v");
  context_.SetTime(context_.now_ms + 10'000);
  db_.Inspect(HashKey("k"));
  EXPECT_EQ(db_.IdleSeconds(At("k")), 10u);
  context_.SetKeepClocks(true);
  db_.Find(HashKey("k"));
  EXPECT_EQ(db_.IdleSeconds(At("k")), 10u);
  context_.SetKeepClocks(false);
  db_.Touch(HashKey("k"));
  EXPECT_EQ(db_.IdleSeconds(At("k")), 0u);
}

TEST_F(DbTest, FrequencyGrowsWithUseAndDecaysWithTime) {
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysLfu;
  Set("k", "v");
  EXPECT_EQ(db_.LfuCounter(At("k")), 5u);
  for (int i = 0; i < 10'000; ++i) db_.Find(HashKey("k"));
  uint32_t hot = db_.LfuCounter(At("k"));
  EXPECT_GT(hot, 20u);
  context_.SetTime(context_.now_ms + 5 * 60'000);
  EXPECT_EQ(db_.LfuCounter(At("k")), hot - 5);
  context_.SetTime(context_.now_ms + 300 * 60'000);
  EXPECT_EQ(db_.LfuCounter(At("k")), 0u);
}

TEST_F(DbTest, WrongTypeIsAnError) {
  Set("k", "v");
  EXPECT_EQ(db_.Find<List>(HashKey("k")).error(), Error::kWrongType);
  EXPECT_EQ(db_.FindOrCreate<Hash>(HashKey("k")).error(), Error::kWrongType);
  EXPECT_EQ(*db_.Change<List>(HashKey("missing")), nullptr);
}

// ---- Expiry ----

TEST_F(DbTest, ExpiredKeyIsGoneOnSight) {
  settings_.notify_keyspace_events = kEventAll;
  Set("k", "v", kStart + 100);
  context_.SetTime(kStart + 99);
  EXPECT_EQ(Get("k"), "v");
  context_.SetTime(kStart + 100);
  EXPECT_EQ(Get("k"), "(none)");
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
  EXPECT_EQ(events_.Take(), std::vector<std::string>{"0 expired k"});
  EXPECT_FALSE(db_.Delete(HashKey("k")));
}

TEST_F(DbTest, ShortenedAndExtendedTimesToLiveBothHold) {
  Set("short", "v", kStart + 10'000);
  Set("long", "v", kStart + 100);
  SetExpiry("short", kStart + 100);
  SetExpiry("long", kStart + 10'000);
  context_.SetTime(kStart + 200);
  ExpireDue();
  EXPECT_EQ(Get("short"), "(none)");
  EXPECT_EQ(Get("long"), "v");
  context_.SetTime(kStart + 10'016);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(DbTest, PersistedKeyStays) {
  Set("k", "v", kStart + 100);
  SetExpiry("k", kNoExpiry);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
  context_.SetTime(kStart + 1000);
  ExpireDue();
  EXPECT_EQ(Get("k"), "v");
  SetExpiry("k", kStart + 2000);
  EXPECT_EQ(keyspace_.VolatileCount(0), 1u);
  context_.SetTime(kStart + 2016);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(DbTest, FlushedKeysExpiryDoesNotHitANewKeyOfThatName) {
  Set("k", "v", kStart + 100);
  db_.Delete(HashKey("k"));
  Set("k", "new");
  context_.SetTime(kStart + 1000);
  ExpireDue();
  EXPECT_EQ(Get("k"), "new");
}

// ---- Collections, moving, watching ----

TEST_F(DbTest, ReplacingWithACollectionTakesTheTtlAway) {
  Set("k", "v", kStart + 100);
  auto list = std::make_unique<List>();
  list->PushTail("x", {});
  db_.ReplaceWithCollection(HashKey("k"), Type::kList, list.release());
  EXPECT_EQ((*db_.Find<List>(HashKey("k")))->size(), 1u);
  EXPECT_EQ(ExpiryOf("k"), kNoExpiry);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
}

TEST_F(DbTest, EmptiedCollectionIsDeleted) {
  auto* set = *db_.FindOrCreate<kiln::Set>(HashKey("k"));
  set->Add("a", {});
  EXPECT_FALSE(db_.DeleteIfEmpty(HashKey("k"), *set));
  set->Remove("a");
  EXPECT_TRUE(db_.DeleteIfEmpty(HashKey("k"), *set));
  EXPECT_EQ(keyspace_.KeyCount(0), 0u);
}

TEST_F(DbTest, AdoptedValueKeepsItsTtlAndItsUse) {
  Set("from", "v", kStart + 100);
  At("from")->set_clock(123);
  Record* extracted = db_.Extract(HashKey("from"));
  ASSERT_NE(extracted, nullptr);
  EXPECT_EQ(keyspace_.VolatileCount(0), 0u);
  other_db_.Adopt(HashKey(std::string(300, 'n')), HashKey("from").shard(), extracted);
  EXPECT_EQ(Get("from"), "(none)");
  EXPECT_EQ(Get(other_db_, std::string(300, 'n')), "v");
  EXPECT_EQ(other_db_.Peek(HashKey(std::string(300, 'n')))->clock(), 123u);
  EXPECT_EQ(keyspace_.VolatileCount(1), 1u);
  context_.SetTime(kStart + 116);
  ExpireDue();
  EXPECT_EQ(keyspace_.KeyCount(1), 0u);
}

TEST_F(DbTest, ExtractOfAnAbsentKeyIsNull) {
  EXPECT_EQ(db_.Extract(HashKey("k")), nullptr);
}

TEST_F(DbTest, CopiedCollectionIsAnother) {
  auto* hash = *db_.FindOrCreate<Hash>(HashKey("from"));
  hash->Set("f", "1", {});
  SetExpiry("from", kStart + 100);
  db_.CopyFrom(HashKey("to"), At("from"));
  Hash* copy = *db_.Find<Hash>(HashKey("to"));
  copy->Set("f", "2", {});
  ElementScratch scratch;
  EXPECT_EQ((*db_.Find<Hash>(HashKey("from")))->Get("f", scratch), "1");
  EXPECT_EQ(ExpiryOf("to"), kStart + 100);
  EXPECT_EQ(keyspace_.VolatileCount(0), 2u);
}

TEST_F(DbTest, ChangeMarksWatchersOfThatKeyInThatDatabase) {
  auto state = std::make_shared<WatchState>();
  Shard& shard = keyspace_.shard(HashKey("k").shard());
  shard.watched = std::make_unique<WatchList>();
  shard.watched->Add({0, "k"}, state);
  shard.NoteWatched();
  other_db_.Changed(HashKey("k"));
  EXPECT_FALSE(state->dirty.load());
  db_.Changed(HashKey("k"));
  EXPECT_TRUE(state->dirty.load());
  EXPECT_EQ(context_.stats.changes, 2u);
}

TEST_F(DbTest, MemoryOfAKeyGrowsWithItsValue) {
  Set("k", "v");
  size_t small = db_.MemoryBytes(HashKey("k"), At("k"));
  auto* set = *db_.FindOrCreate<kiln::Set>(HashKey("s"));
  for (int i = 0; i < 1000; ++i) set->Add("member " + std::to_string(i), {});
  EXPECT_LT(small, 64u);
  EXPECT_GT(db_.MemoryBytes(HashKey("s"), At("s")), 1000u * 12);
}

TEST_F(DbTest, NewKeysAreAnnouncedOnce) {
  settings_.notify_keyspace_events = kEventNew;
  Set("k", "v");
  Set("k", "another");
  db_.SetInteger(HashKey("n"), 1);
  EXPECT_EQ(events_.Take(), (std::vector<std::string>{"0 new k", "0 new n"}));
}

}  // namespace
}  // namespace kiln
