#include "engine/store/types/intset.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

std::vector<int64_t> Integers(const Intset& intset) {
  std::vector<int64_t> integers;
  for (size_t i = 0; i < intset.size(); ++i) integers.push_back(intset.At(i));
  return integers;
}

TEST(Intset, LiesInMemoryAsTheFormatSays) {
  Intset intset;
  EXPECT_EQ(intset.bytes(), std::string_view("\x02\0\0\0\0\0\0\0", 8));
  intset.Add(5);
  intset.Add(-1);
  EXPECT_EQ(intset.bytes(), std::string_view("\x02\0\0\0\x02\0\0\0\xff\xff\x05\0", 12));
}

TEST(Intset, WidensWhenAnIntegerNeedsIt) {
  Intset intset;
  for (int64_t value : {int64_t{32767}, int64_t{-32768}}) intset.Add(value);
  EXPECT_EQ(intset.bytes()[0], 2);
  intset.Add(32768);
  EXPECT_EQ(intset.bytes()[0], 4);
  intset.Add(INT64_MIN);
  EXPECT_EQ(intset.bytes()[0], 8);
  intset.Add(INT64_MAX);
  EXPECT_EQ(Integers(intset), (std::vector<int64_t>{INT64_MIN, -32768, 32767, 32768, INT64_MAX}));
  EXPECT_TRUE(intset.Contains(INT64_MAX));
  EXPECT_FALSE(intset.Contains(0));
}

TEST(Intset, ValidateRefusesBrokenBytes) {
  Intset intset;
  for (int64_t value : {1, 2, 70000}) intset.Add(value);
  std::string good(intset.bytes());
  EXPECT_TRUE(Intset::Validate(good));
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(Intset::Validate(good.substr(0, cut)));
  EXPECT_FALSE(Intset::Validate(good + "x"));
  std::string odd_width = good;
  odd_width[0] = 3;
  EXPECT_FALSE(Intset::Validate(odd_width));
  std::string twice = good;
  twice[12] = 1;
  EXPECT_FALSE(Intset::Validate(twice));
  EXPECT_FALSE(Intset::Validate(std::string_view("\x08\0\0\0\0\0\0\x80", 8)));
  EXPECT_FALSE(Intset::FromBytes("junk"));
}

TEST(Intset, BehavesLikeASetOfIntegers) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Intset intset;
    std::set<int64_t> model;
    for (int step = 0; step < 600; ++step) {
      int64_t value = static_cast<int64_t>(random.Below(200)) - 100;
      if (step > 200) value *= step > 400 ? int64_t{1} << 40 : 1000;
      if (random.Below(3) > 0) {
        ASSERT_EQ(intset.Add(value), model.insert(value).second);
      } else {
        ASSERT_EQ(intset.Remove(value), model.erase(value) == 1);
      }
      ASSERT_EQ(intset.Contains(value), model.contains(value));
      ASSERT_EQ(intset.size(), model.size());
    }
    std::vector<int64_t> expected(model.begin(), model.end());
    EXPECT_EQ(Integers(intset), expected);
    EXPECT_EQ(Integers(intset.Clone()), expected);
    EXPECT_EQ(Integers(*Intset::FromBytes(intset.bytes())), expected);
    for (int64_t value : expected) EXPECT_TRUE(intset.Remove(value));
    EXPECT_TRUE(intset.empty());
  }
}

}  // namespace
}  // namespace kiln
