#include "engine/store/types/sorted_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kiln {
namespace {

using Pair = std::pair<std::string, double>;
using Pairs = std::vector<Pair>;
using AddResult = SortedSet::AddResult;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr ZsetLimits kDefaultLimits;
constexpr ZsetLimits kAlwaysBig{0, 64};
constexpr ZsetLimits kAlwaysCompact{100'000, 100'000};

Pairs Read(const SortedSet& set, RankRange range, Order order = Order::kAscending) {
  Pairs pairs;
  set.ForEachIn(range, order,
                [&](std::string_view member, double score) { pairs.emplace_back(member, score); });
  return pairs;
}

Pairs ReadAll(const SortedSet& set) {
  return Read(set, set.AllRanks());
}

// Every behaviour must be the same in both forms.
class SortedSetTest : public testing::TestWithParam<ZsetLimits> {
 protected:
  AddResult Add(double score, std::string_view member) {
    return set_.Add(score, member, GetParam());
  }
  void AddLetters() {
    for (const char* member : {"e", "c", "a", "d", "b"}) Add(0, member);
  }
  std::string Lex(LexBound min, LexBound max) {
    std::string members;
    for (const Pair& pair : Read(set_, set_.RanksIn(LexRange{min, max}))) members += pair.first;
    return members;
  }

  SortedSet set_;
};

INSTANTIATE_TEST_SUITE_P(Forms, SortedSetTest, testing::Values(kAlwaysCompact, kAlwaysBig),
                         [](const auto& info) {
                           return info.param.max_listpack_entries == 0 ? "Big" : "Compact";
                         });

TEST_P(SortedSetTest, AddTellsNewFromMovedFromUnchanged) {
  EXPECT_EQ(Add(1, "a"), AddResult::kAdded);
  EXPECT_EQ(Add(1, "a"), AddResult::kUnchanged);
  EXPECT_EQ(Add(3, "a"), AddResult::kUpdated);
  EXPECT_EQ(Add(2, "b"), AddResult::kAdded);
  EXPECT_EQ(ReadAll(set_), (Pairs{{"b", 2}, {"a", 3}}));
  EXPECT_EQ(set_.EncodingName(), GetParam().max_listpack_entries == 0 ? "skiplist" : "listpack");
}

TEST_P(SortedSetTest, AddNewPutsMembersInOrder) {
  for (int i : {3, 1, 4, 5, 2}) set_.AddNew(i / 2, "m" + std::to_string(i), GetParam());
  EXPECT_EQ(ReadAll(set_), (Pairs{{"m1", 0}, {"m2", 1}, {"m3", 1}, {"m4", 2}, {"m5", 2}}));
}

TEST(SortedSet, AddNewMakesALargeSetPastTheLimits) {
  SortedSet set;
  for (size_t i = 0; i <= kDefaultLimits.max_listpack_entries; ++i) {
    EXPECT_EQ(set.EncodingName(), "listpack");
    set.AddNew(static_cast<double>(i), std::to_string(i), kDefaultLimits);
  }
  EXPECT_EQ(set.EncodingName(), "skiplist");
  EXPECT_EQ(set.Rank("128"), 128u);
}

TEST_P(SortedSetTest, AnEmptySetAnswersEverything) {
  size_t budget = 1;
  EXPECT_TRUE(set_.empty());
  EXPECT_FALSE(set_.Remove("a"));
  EXPECT_EQ(set_.Score("a"), std::nullopt);
  EXPECT_EQ(set_.Rank("a"), std::nullopt);
  EXPECT_EQ(set_.CountIn(ScoreRange{}), 0u);
  EXPECT_EQ(set_.CountIn(LexRange{}), 0u);
  set_.Pop(Order::kAscending, 1, [](std::string_view, double) { FAIL(); });
  Random random(1);
  set_.RandomMember(random, [](std::string_view, double) { FAIL(); });
  EXPECT_TRUE(set_.FreeSome(&budget));
}

TEST_P(SortedSetTest, ScoresComeBackExactly) {
  Pairs expected;
  const double scores[] = {-kInfinity,
                           -1e300,
                           -1.5,
                           -0.0,
                           5e-324,
                           0.1,
                           1.0 / 3,
                           1,
                           3.5,
                           9007199254740991,
                           9007199254740992,
                           1.2345678901234567e+19,
                           1e+20,
                           kInfinity};
  for (double score : scores) {
    std::string member = "m" + std::to_string(expected.size());
    Add(score, member);
    expected.emplace_back(member, score);
  }
  EXPECT_EQ(ReadAll(set_), expected);
  EXPECT_EQ(std::signbit(*set_.Score("m3")), set_.EncodingName() == "skiplist");
  for (const Pair& pair : expected) EXPECT_EQ(set_.Score(pair.first), pair.second);
}

TEST_P(SortedSetTest, MembersThatLookLikeNumbersAreOrderedAsText) {
  for (const char* member : {"10", "9", "-1", "007", "", "a"}) Add(7, member);
  EXPECT_EQ(ReadAll(set_), (Pairs{{"", 7}, {"-1", 7}, {"007", 7}, {"10", 7}, {"9", 7}, {"a", 7}}));
  EXPECT_EQ(set_.Score("10"), 7);
  EXPECT_EQ(set_.Score("7"), std::nullopt);  // A score is never taken for a member.
}

TEST_P(SortedSetTest, RanksCountFromEitherEnd) {
  AddLetters();
  EXPECT_EQ(set_.Rank("a"), 0u);
  EXPECT_EQ(set_.Rank("d"), 3u);
  EXPECT_EQ(set_.Rank("d", Order::kDescending), 1u);
  EXPECT_EQ(set_.Rank("x"), std::nullopt);
}

TEST_P(SortedSetTest, RangesByRankWalkBothWays) {
  AddLetters();
  EXPECT_EQ(Read(set_, {1, 3}), (Pairs{{"b", 0}, {"c", 0}, {"d", 0}}));
  EXPECT_EQ(Read(set_, {1, 3}, Order::kDescending), (Pairs{{"d", 0}, {"c", 0}, {"b", 0}}));
  EXPECT_EQ(Read(set_, {5, 0}), Pairs{});
}

TEST_P(SortedSetTest, RangesByScoreHonourExclusiveEnds) {
  for (int i = 1; i <= 5; ++i) Add(i, std::to_string(i));
  auto count = [&](ScoreRange range) { return set_.CountIn(range); };
  EXPECT_EQ(count({2, 4, false, false}), 3u);
  EXPECT_EQ(count({2, 4, true, false}), 2u);
  EXPECT_EQ(count({2, 4, false, true}), 2u);
  EXPECT_EQ(count({2, 4, true, true}), 1u);
  EXPECT_EQ(count({3, 3, false, true}), 0u);
  EXPECT_EQ(count({4, 2, false, false}), 0u);
  EXPECT_EQ(count({6, 9, false, false}), 0u);
  EXPECT_EQ(count(ScoreRange{}), 5u);
  EXPECT_EQ(set_.RanksIn(ScoreRange{2, 4, false, false}).first, 1u);
}

TEST_P(SortedSetTest, RangesByBytesHonourEveryKindOfEnd) {
  AddLetters();
  using enum LexBound::Kind;
  EXPECT_EQ(Lex({kLowest, {}}, {kHighest, {}}), "abcde");
  EXPECT_EQ(Lex({kHighest, {}}, {kLowest, {}}), "");
  EXPECT_EQ(Lex({kInclusive, "b"}, {kInclusive, "d"}), "bcd");
  EXPECT_EQ(Lex({kExclusive, "b"}, {kExclusive, "d"}), "c");
  EXPECT_EQ(Lex({kInclusive, "bb"}, {kHighest, {}}), "cde");
  EXPECT_EQ(Lex({kLowest, {}}, {kExclusive, "a"}), "");
  EXPECT_EQ(Lex({kInclusive, "d"}, {kInclusive, "b"}), "");
}

TEST_P(SortedSetTest, RemoveRangeTakesJustThoseRanks) {
  AddLetters();
  set_.RemoveRange({1, 2});
  EXPECT_EQ(ReadAll(set_), (Pairs{{"a", 0}, {"d", 0}, {"e", 0}}));
  EXPECT_EQ(set_.Score("b"), std::nullopt);
  set_.RemoveRange({2, 0});
  set_.RemoveRange(set_.AllRanks());
  EXPECT_TRUE(set_.empty());
  EXPECT_EQ(Add(1, "a"), AddResult::kAdded);
}

TEST_P(SortedSetTest, PopTakesFromTheEndAsked) {
  AddLetters();
  Pairs popped;
  auto note = [&](std::string_view member, double score) { popped.emplace_back(member, score); };
  set_.Pop(Order::kAscending, 2, note);
  set_.Pop(Order::kDescending, 2, note);
  EXPECT_EQ(popped, (Pairs{{"a", 0}, {"b", 0}, {"e", 0}, {"d", 0}}));
  set_.Pop(Order::kDescending, 100, note);
  EXPECT_TRUE(set_.empty());
}

TEST_P(SortedSetTest, RandomMemberReachesEveryMember) {
  AddLetters();
  Random random(7);
  std::map<std::string, int> seen;
  for (int i = 0; i < 300; ++i) {
    set_.RandomMember(random,
                      [&](std::string_view member, double) { ++seen[std::string(member)]; });
  }
  EXPECT_EQ(seen.size(), 5u);
  for (const auto& [member, times] : seen) EXPECT_GT(times, 20) << member;
}

TEST_P(SortedSetTest, ScanVisitsEverything) {
  std::map<std::string, double> expected, seen;
  for (int i = 0; i < 300; ++i) {
    Add(i, std::to_string(i));
    expected[std::to_string(i)] = i;
  }
  uint64_t cursor = 0;
  do {
    cursor = set_.Scan(cursor, 10, [&](std::string_view member, double score) {
      seen[std::string(member)] = score;
    });
  } while (cursor != 0);
  EXPECT_EQ(seen, expected);
}

TEST_P(SortedSetTest, ACloneIsIndependent) {
  AddLetters();
  SortedSet copy = set_.Clone();
  EXPECT_EQ(copy.EncodingName(), set_.EncodingName());
  EXPECT_EQ(ReadAll(copy), ReadAll(set_));
  set_.Remove("a");
  copy.Add(9, "b", GetParam());
  EXPECT_EQ(copy.Score("a"), 0);
  EXPECT_EQ(set_.Score("b"), 0);
}

TEST_P(SortedSetTest, FreeSomeStaysWithinItsBudgetAndEndsEmpty) {
  for (int i = 0; i < 300; ++i) Add(i, std::to_string(i));
  size_t calls = 0;
  bool done = false;
  while (!done) {
    size_t budget = 25;
    done = set_.FreeSome(&budget);
    EXPECT_LE(budget, 25u);
    ++calls;
  }
  EXPECT_GE(calls, GetParam().max_listpack_entries == 0 ? 10u : 1u);
  EXPECT_TRUE(set_.empty());
  EXPECT_EQ(set_.memory_bytes(), 0u);
}

TEST_P(SortedSetTest, RandomChangesAgreeWithAStdMap) {
  SCOPED_TRACE("seed 99");
  Random random(99);
  std::map<std::string, double> model;
  for (int i = 0; i < 1500; ++i) {
    std::string member = std::to_string(random.Below(150));
    double score = static_cast<double>(random.Below(40)) / 4 - 5;
    switch (random.Below(8)) {
      case 0:
        ASSERT_EQ(set_.Remove(member), model.erase(member) == 1);
        break;
      case 1:
        if (random.Below(20) == 0) {
          size_t before = set_.size();
          RankRange range = set_.RanksIn(ScoreRange{score, score + 1, true, false});
          set_.RemoveRange(range);
          size_t erased = std::erase_if(
              model, [&](const auto& m) { return m.second > score && m.second <= score + 1; });
          ASSERT_EQ(before - set_.size(), erased);
        }
        break;
      default:
        AddResult expected = !model.contains(member)  ? AddResult::kAdded
                             : model[member] == score ? AddResult::kUnchanged
                                                      : AddResult::kUpdated;
        ASSERT_EQ(Add(score, member), expected);
        model[member] = score;
    }
    ASSERT_EQ(set_.size(), model.size());
  }
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [member, score] : model) sorted.emplace_back(score, member);
  std::sort(sorted.begin(), sorted.end());
  for (size_t rank = 0; rank < sorted.size(); ++rank) {
    ASSERT_EQ(Read(set_, {rank, 1}), (Pairs{{sorted[rank].second, sorted[rank].first}}));
    ASSERT_EQ(set_.Rank(sorted[rank].second), rank);
    ASSERT_EQ(set_.Score(sorted[rank].second), sorted[rank].first);
  }
}

TEST(SortedSet, BecomesLargePastTheEntriesLimitAndStaysLarge) {
  SortedSet set;
  for (int i = 0; i < 128; ++i) set.Add(i, std::to_string(i), kDefaultLimits);
  EXPECT_EQ(set.EncodingName(), "listpack");
  set.Add(5.5, "7", kDefaultLimits);  // A change of score adds nothing.
  EXPECT_EQ(set.EncodingName(), "listpack");
  set.Add(128, "128", kDefaultLimits);
  EXPECT_EQ(set.EncodingName(), "skiplist");
  EXPECT_EQ(set.size(), 129u);
  EXPECT_EQ(set.Score("7"), 5.5);
  set.RemoveRange({0, 100});
  EXPECT_EQ(set.EncodingName(), "skiplist");
}

TEST(SortedSet, BecomesLargeWithALongMember) {
  SortedSet set;
  set.Add(1, std::string(64, 'x'), kDefaultLimits);
  EXPECT_EQ(set.EncodingName(), "listpack");
  set.Add(1, std::string(65, 'x'), kDefaultLimits);
  EXPECT_EQ(set.EncodingName(), "skiplist");
}

TEST(SortedSet, KeepsSmallSetsInOneShortBlock) {
  SortedSet set;
  set.Add(1.5, "a", kDefaultLimits);
  set.Add(-2, "b", kDefaultLimits);
  Pairs expected{{"b", -2}, {"a", 1.5}};
  EXPECT_EQ(ReadAll(set), expected);
  EXPECT_LE(set.memory_bytes(), 32u);
}

TEST(SortedSet, IsSmallAsAnObject) {
  EXPECT_LE(sizeof(SortedSet), 16u);
}

TEST(SortedSet, SlicesARangeFromTheEndItIsReadFrom) {
  RankRange range{10, 5};
  auto slice = [&](size_t offset, size_t limit, Order order) {
    RankRange part = range.Slice(offset, limit, order);
    return std::pair(part.first, part.count);
  };
  EXPECT_EQ(slice(1, 2, Order::kAscending), std::pair(size_t{11}, size_t{2}));
  EXPECT_EQ(slice(1, 2, Order::kDescending), std::pair(size_t{12}, size_t{2}));
  EXPECT_EQ(slice(0, SIZE_MAX, Order::kDescending), std::pair(size_t{10}, size_t{5}));
  EXPECT_EQ(range.Slice(5, 1).count, 0u);
  EXPECT_EQ(range.Slice(SIZE_MAX, SIZE_MAX).count, 0u);
}

}  // namespace
}  // namespace kiln
