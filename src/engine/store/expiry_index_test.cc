#include "engine/store/expiry_index.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace kiln {
namespace {

constexpr uint64_t kStart = 1'700'000'000'000;
constexpr uint64_t kDay = 24ull * 3600 * 1000;

// An index with the keys that its owner would have: one a prefix, each with the time it is really
// due.
class Wheel {
 public:
  void Set(uint32_t prefix, uint64_t due_ms) {
    auto found = due_.find(prefix);
    // As Db does it: a later time needs no entry.
    if (found == due_.end() || due_ms < found->second) index_.Add(prefix, due_ms, now_ms_);
    due_[prefix] = due_ms;
  }
  void Erase(uint32_t prefix) { due_.erase(prefix); }

  bool Advance(uint64_t now_ms, size_t budget) {
    now_ms_ = now_ms;
    return index_.Advance(now_ms, &budget, [&](uint32_t prefix) {
      auto found = due_.find(prefix);
      if (found == due_.end()) return;
      if (found->second <= now_ms_) {
        due_.erase(found);
      } else {
        index_.Add(prefix, found->second, now_ms_);
      }
    });
  }
  void AdvanceAll(uint64_t now_ms) { EXPECT_TRUE(Advance(now_ms, ~size_t{0})); }

  // Nothing that is more than a tick overdue is left.
  void CheckNothingOverdue() const {
    for (const auto& [prefix, due_ms] : due_) {
      EXPECT_GT(due_ms + ExpiryIndex::kTickMs, now_ms_) << "prefix " << prefix;
    }
  }
  // The index wakes up no later than a tick after the first key is due.
  void CheckWakesInTime() const {
    if (due_.empty()) return;
    uint64_t first = ~uint64_t{0};
    for (const auto& [prefix, due_ms] : due_) first = std::min(first, due_ms);
    EXPECT_LE(index_.NextDueMs(), std::max(first, now_ms_) + ExpiryIndex::kTickMs);
  }

  ExpiryIndex& index() { return index_; }
  const std::map<uint32_t, uint64_t>& due() const { return due_; }
  uint64_t now_ms() const { return now_ms_; }

 private:
  ExpiryIndex index_;
  std::map<uint32_t, uint64_t> due_;
  uint64_t now_ms_ = kStart;
};

TEST(ExpiryIndex, EmptyOneHasNothingToDo) {
  ExpiryIndex index;
  EXPECT_TRUE(index.empty());
  EXPECT_EQ(index.NextDueMs(), ExpiryIndex::kNever);
  uint32_t prefix;
  Random random(1);
  EXPECT_FALSE(index.Soonest(&prefix));
  EXPECT_FALSE(index.Sample(random, &prefix));
  size_t budget = 10;
  EXPECT_TRUE(index.Advance(kStart, &budget, [](uint32_t) { FAIL(); }));
  EXPECT_EQ(budget, 10u);
}

TEST(ExpiryIndex, FiresWithinATickAndNeverEarly) {
  constexpr uint64_t kDelays[] = {1,   15,     16,     17,      511,      512,
                                  513, 16'384, 20'000, 600'000, kDay / 8, 40 * kDay};
  for (uint64_t delay : kDelays) {
    Wheel wheel;
    wheel.Set(7, kStart + delay);
    wheel.AdvanceAll(kStart + delay - 1);
    EXPECT_EQ(wheel.due().size(), 1u) << delay;
    wheel.AdvanceAll(kStart + delay + ExpiryIndex::kTickMs);
    EXPECT_TRUE(wheel.due().empty()) << delay;
    EXPECT_TRUE(wheel.index().empty()) << delay;
  }
}

TEST(ExpiryIndex, KeyDueInThePastFiresAtTheNextTick) {
  Wheel wheel;
  wheel.Set(1, kStart + 1000);
  wheel.AdvanceAll(kStart + 500);
  wheel.Set(2, kStart - 1000);
  wheel.AdvanceAll(kStart + 500 + ExpiryIndex::kTickMs);
  EXPECT_FALSE(wheel.due().contains(2));
}

TEST(ExpiryIndex, DueBeyondTheHorizonIsPutOffUntilThen) {
  Wheel wheel;
  wheel.Set(1, kStart + 3000 * kDay);
  for (uint64_t day = 0; day < 3000; day += 50) wheel.AdvanceAll(kStart + day * kDay);
  EXPECT_EQ(wheel.due().size(), 1u);
  wheel.AdvanceAll(kStart + 3000 * kDay + ExpiryIndex::kTickMs);
  EXPECT_TRUE(wheel.due().empty());
}

TEST(ExpiryIndex, LargestDueTimeIsHarmless) {
  Wheel wheel;
  wheel.Set(1, static_cast<uint64_t>(INT64_MAX));
  wheel.Set(2, kStart + 100);
  wheel.AdvanceAll(kStart + 1000 * kDay);
  EXPECT_EQ(wheel.due().size(), 1u);
  EXPECT_GT(wheel.index().NextDueMs(), wheel.now_ms());
}

TEST(ExpiryIndex, ExtendingATtlAddsNoEntry) {
  Wheel wheel;
  for (uint64_t i = 0; i < 1000; ++i) wheel.Set(1, kStart + 1000 + i * 1000);
  EXPECT_EQ(wheel.index().entries(), 1u);
  wheel.AdvanceAll(kStart + 999'000);
  EXPECT_EQ(wheel.due().size(), 1u);
  wheel.AdvanceAll(kStart + 1'000'016);
  EXPECT_TRUE(wheel.due().empty());
}

TEST(ExpiryIndex, RepeatedEntriesOfAKeyAreSortedOut) {
  ExpiryIndex index;
  for (int i = 0; i < 100'000; ++i) index.Add(static_cast<uint32_t>(i % 10), kStart + 1000, kStart);
  EXPECT_LT(index.entries(), 1000u);
}

TEST(ExpiryIndex, BudgetEndsATurnAndTheNextGoesOn) {
  Wheel wheel;
  for (uint32_t i = 0; i < 1000; ++i) wheel.Set(i, kStart + 100);
  EXPECT_FALSE(wheel.Advance(kStart + 200, 300));
  EXPECT_EQ(wheel.due().size(), 700u);
  EXPECT_LE(wheel.index().NextDueMs(), kStart + 200);
  EXPECT_FALSE(wheel.Advance(kStart + 200, 600));
  EXPECT_TRUE(wheel.Advance(kStart + 200, 600));
  EXPECT_TRUE(wheel.due().empty());
}

TEST(ExpiryIndex, ClockThatGoesBackLosesNothing) {
  Wheel wheel;
  wheel.Set(1, kStart + 1000);
  wheel.Set(3, kStart + 60'000);
  wheel.AdvanceAll(kStart + 2000);
  wheel.AdvanceAll(kStart - 5000);
  wheel.Set(2, kStart - 4000);
  wheel.AdvanceAll(kStart + 2000 + ExpiryIndex::kTickMs);
  EXPECT_FALSE(wheel.due().contains(2));
  wheel.AdvanceAll(kStart + 61'000);
  EXPECT_TRUE(wheel.due().empty());
}

TEST(ExpiryIndex, SoonestIsOfTheFirstSlotAndSamplesReachAll) {
  ExpiryIndex index;
  for (uint32_t i = 0; i < 20; ++i) index.Add(i, kStart + 1000 * (20 - i), kStart);
  uint32_t prefix = 0;
  ASSERT_TRUE(index.Soonest(&prefix));
  EXPECT_EQ(prefix, 19u);
  std::set<uint32_t> sampled;
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(index.Sample(random, &prefix));
    sampled.insert(prefix);
  }
  EXPECT_EQ(sampled.size(), 20u);
}

// Some time ahead, of any magnitude up to years.
uint64_t RandomDelay(Random& random) {
  return random.Below(uint64_t{2} << random.Below(36));
}

TEST(ExpiryIndex, AgreesWithAMapOfDueTimes) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    Wheel wheel;
    for (int step = 0; step < 1000; ++step) {
      auto prefix = static_cast<uint32_t>(random.Below(200));
      switch (random.Below(5)) {
        case 0:
        case 1:
          wheel.Set(prefix, wheel.now_ms() + RandomDelay(random));
          break;
        case 2:
          wheel.Erase(prefix);
          break;
        case 3:
          wheel.Advance(wheel.now_ms() + RandomDelay(random) / 64, 1 + random.Below(20));
          break;
        default:
          wheel.AdvanceAll(wheel.now_ms() + RandomDelay(random) / 64);
          wheel.CheckNothingOverdue();
      }
      wheel.CheckWakesInTime();
      if (HasFailure()) return;
    }
    EXPECT_LT(wheel.index().entries(), 3000u);
  }
}

}  // namespace
}  // namespace kiln
