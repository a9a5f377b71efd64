#include "engine/store/types/score_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

using Key = std::pair<double, std::string>;

// A tree that owns its members, beside a std::set that says what it must hold.
class ScoreTreeTest : public testing::Test {
 protected:
  ~ScoreTreeTest() override {
    tree_->EraseRange(0, tree_->size(), [](ZsetMember* member) { FreeBytes(member); });
  }

  void Insert(double score, const std::string& name) {
    if (!model_.insert({score, name}).second) return;
    tree_->Insert(ZsetMember::Make(score, name));
  }

  void Erase(const Key& key) {
    size_t rank = tree_->RankOf(key.first, key.second);
    ZsetMember* member = tree_->At(rank).entry().member;
    tree_->Erase(member);
    FreeBytes(member);
    model_.erase(key);
  }

  void EraseRange(size_t rank, size_t count) {
    auto first = std::next(model_.begin(), rank);
    tree_->EraseRange(rank, count, [&](ZsetMember* member) {
      ASSERT_EQ(*first, Key(member->score, member->name()));
      first = model_.erase(first);
      FreeBytes(member);
    });
  }

  Key RandomKey() { return *std::next(model_.begin(), random_.Below(model_.size())); }

  // Walks both ways and asks for every rank in both directions.
  void ExpectSameAsModel() {
    ASSERT_EQ(tree_->size(), model_.size());
    size_t rank = 0;
    ScoreTree::Cursor cursor = tree_->At(0);
    for (const Key& key : model_) {
      ASSERT_FALSE(cursor.AtEnd());
      ASSERT_EQ(Key(cursor.entry().score, cursor.entry().member->name()), key);
      ASSERT_EQ(tree_->RankOf(key.first, key.second), rank);
      ASSERT_EQ(tree_->At(rank).entry().member, cursor.entry().member);
      cursor.Next();
      ++rank;
    }
    ASSERT_TRUE(cursor.AtEnd());
    ASSERT_TRUE(tree_->At(rank).AtEnd());
    if (model_.empty()) return;
    cursor = tree_->At(rank - 1);
    for (auto it = model_.rbegin(); it != model_.rend(); ++it, cursor.Previous()) {
      ASSERT_EQ(cursor.entry().member->name(), it->second);
    }
    ASSERT_TRUE(cursor.AtEnd());
  }

  std::unique_ptr<ScoreTree> tree_ = std::make_unique<ScoreTree>();
  std::set<Key> model_;
  Random random_{20260101};
};

TEST_F(ScoreTreeTest, AnEmptyTreeHasNoRanksAndNoMemory) {
  EXPECT_EQ(tree_->size(), 0u);
  EXPECT_EQ(tree_->memory_bytes(), 0u);
  EXPECT_EQ(tree_->RankOf(1, "a"), 0u);
  EXPECT_TRUE(tree_->At(0).AtEnd());
}

TEST_F(ScoreTreeTest, TiesAreOrderedByUnsignedBytesThenLength) {
  for (const char* name : {"b", "a", "ab", "", "\xff", "\x7f"}) Insert(1, name);
  Insert(-std::numeric_limits<double>::infinity(), "z");
  Insert(std::numeric_limits<double>::infinity(), "0");
  std::vector<std::string> names;
  for (auto c = tree_->At(0); !c.AtEnd(); c.Next()) names.emplace_back(c.entry().member->name());
  EXPECT_EQ(names, (std::vector<std::string>{"z", "", "a", "ab", "b", "\x7f", "\xff", "0"}));
}

TEST_F(ScoreTreeTest, NamesLongerThanAByteOfLengthKeepTheirBytes) {
  std::string name(70'000, 'x');
  Insert(1, name);
  EXPECT_EQ(tree_->At(0).entry().member->name(), name);
}

TEST_F(ScoreTreeTest, RisingAndFallingInsertsFillTheNodes) {
  for (int i = 0; i < 3000; ++i) Insert(i, "m");
  size_t rising_bytes = tree_->memory_bytes();
  for (int i = 1; i <= 3000; ++i) Insert(-i, "m");
  EXPECT_LT(rising_bytes, 3000 * 10u);
  EXPECT_LT(tree_->memory_bytes(), 6000 * 10u);
  ExpectSameAsModel();
}

TEST_F(ScoreTreeTest, RandomInsertsKeepNodesFairlyFull) {
  for (int i = 0; i < 5000; ++i) Insert(static_cast<double>(random_.Next() >> 11), "m");
  EXPECT_LT(tree_->memory_bytes(), 5000 * 12u);
  ExpectSameAsModel();
}

TEST_F(ScoreTreeTest, CountWhileFindsTheBoundaryOfAnyPrefix) {
  for (int i = 0; i < 1000; ++i) Insert(i / 10, std::to_string(i));
  auto below = [&](double score) {
    return tree_->CountWhile([&](const ScoreTree::Entry& e) { return e.score < score; });
  };
  EXPECT_EQ(below(-1), 0u);
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(below(i), i * 10u);
  EXPECT_EQ(below(1000), 1000u);
}

TEST_F(ScoreTreeTest, ScoresOfAllSizesAreOrderedAndCounted) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> scores = {0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, kInfinity, -kInfinity};
  for (int exponent = -300; exponent <= 300; ++exponent) {
    for (double sign : {-1.0, 1.0}) scores.push_back(std::ldexp(sign * 1.7, exponent));
  }
  for (size_t i = scores.size(); i > 0; --i) {
    std::swap(scores[i - 1], scores[random_.Below(i)]);
    Insert(scores[i - 1], std::to_string(random_.Below(10)));
  }
  ExpectSameAsModel();
  for (double score : scores) {
    auto below = std::count_if(model_.begin(), model_.end(),
                               [&](const Key& key) { return key.first < score; });
    auto at = std::count_if(model_.begin(), model_.end(),
                            [&](const Key& key) { return key.first == score; });
    ASSERT_EQ(tree_->CountBelow(score, false), static_cast<size_t>(below));
    ASSERT_EQ(tree_->CountBelow(score, true), static_cast<size_t>(below + at));
  }
}

TEST_F(ScoreTreeTest, EraseRangeTakesExactlyTheRanksAsked) {
  for (int i = 0; i < 2000; ++i) Insert(i, "m");
  EraseRange(0, 1);
  EraseRange(1998, 50);
  EraseRange(500, 700);
  ExpectSameAsModel();
  EraseRange(0, SIZE_MAX);
  EXPECT_EQ(tree_->size(), 0u);
  EXPECT_EQ(tree_->memory_bytes(), 0u);
}

TEST_F(ScoreTreeTest, ATreeEmptiedByRandomErasesShrinksOnTheWay) {
  for (int i = 0; i < 3000; ++i)
    Insert(static_cast<double>(random_.Below(1000)), std::to_string(i));
  while (model_.size() > 300) Erase(RandomKey());
  EXPECT_LT(tree_->memory_bytes(), 300 * 40u);
  ExpectSameAsModel();
  while (!model_.empty()) Erase(RandomKey());
  EXPECT_EQ(tree_->memory_bytes(), 0u);
}

TEST_F(ScoreTreeTest, FreeSomeStaysWithinItsBudget) {
  for (int i = 0; i < 5000; ++i) Insert(i, "m");
  std::vector<ZsetMember*> members;
  for (auto c = tree_->At(0); !c.AtEnd(); c.Next()) members.push_back(c.entry().member);
  size_t calls = 0;
  bool done = false;
  while (!done) {
    size_t budget = 7;
    size_t before = tree_->size();
    done = tree_->FreeSome(&budget);
    EXPECT_LE(before - tree_->size(), 7 * ScoreTree::kLeafEntries);
    ++calls;
  }
  EXPECT_GT(calls, 5u);
  EXPECT_EQ(tree_->memory_bytes(), 0u);
  for (ZsetMember* member : members) FreeBytes(member);
}

TEST_F(ScoreTreeTest, RandomChangesAgreeWithAStdSet) {
  SCOPED_TRACE("seed 20260101");
  // Phases that grow and shrink, over few scores (many ties) or many.
  for (uint64_t scores : {uint64_t{3}, uint64_t{500}, uint64_t{1'000'000}, uint64_t{1} << 60}) {
    for (unsigned grow_percent : {80, 30, 60, 10}) {
      for (int i = 0; i < 2500; ++i) {
        if (model_.empty() || random_.Below(100) < grow_percent) {
          Insert(static_cast<double>(random_.Below(scores)),
                 std::to_string(random_.Below(100'000)));
        } else if (random_.Below(50) == 0) {
          EraseRange(random_.Below(model_.size()), random_.Below(40));
        } else {
          Erase(RandomKey());
        }
      }
      ExpectSameAsModel();
    }
  }
}

}  // namespace
}  // namespace kiln
