#include "engine/store/types/hyperloglog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"

namespace kiln::hyperloglog {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kLimit = 3000;

void Add(std::string* text, std::string_view element, size_t limit = kLimit) {
  ASSERT_NE(Raise(text, MarkOf(element), limit), Change::kCorrupt);
}

// A sparse value with these runs.
std::string Sparse(std::string_view runs) {
  return Empty().substr(0, kHeaderBytes) + std::string(runs);
}

Registers RegistersOf(std::string_view text) {
  Registers registers{};
  EXPECT_TRUE(Merge(text, &registers));
  return registers;
}

TEST(HyperLogLog, LiesInMemoryAsRedisLaysItOut) {
  std::string text = Empty();
  EXPECT_EQ(text, "HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"sv);
  for (std::string_view element : {"a", "b", "c"}) Add(&text, element);
  EXPECT_EQ(text, "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"sv);
}

TEST(HyperLogLog, HashesTextsOfEveryLengthAsRedis) {
  std::string text = Empty();
  for (std::string_view element : {"", "1234567", "12345678", "123456789abcdef0123"}) {
    Add(&text, element);
  }
  EXPECT_EQ(Decode(text), "Z:333 v:3,1 Z:5604 v:2,1 Z:4388 v:3,1 Z:251 v:3,1 Z:5804");
}

TEST(HyperLogLog, KeepsItsCountUntilItChanges) {
  std::string text = Empty();
  EXPECT_EQ(CachedCount(text), 0u);
  Add(&text, "a");
  EXPECT_EQ(CachedCount(text), std::nullopt);
  CacheCount(text.data(), 1);
  Add(&text, "a");
  EXPECT_EQ(CachedCount(text), 1u);
  ASSERT_TRUE(MakeDense(&text));
  EXPECT_EQ(CachedCount(text), 1u);
  Add(&text, "b");
  EXPECT_EQ(CachedCount(text), std::nullopt);
}

TEST(HyperLogLog, SplitsAndJoinsRuns) {
  std::string text = Empty();
  for (uint16_t index : {5, 7, 6, 8, 9}) Raise(&text, {index, 3}, kLimit);
  EXPECT_EQ(Decode(text), "z:5 v:3,4 v:3,1 Z:16374");
  Raise(&text, {6, 4}, kLimit);
  EXPECT_EQ(Decode(text), "z:5 v:3,1 v:4,1 v:3,3 Z:16374");
  EXPECT_EQ(Raise(&text, {6, 4}, kLimit), Change::kNone);
  Raise(&text, {16383, 1}, kLimit);
  Raise(&text, {0, 1}, kLimit);
  EXPECT_EQ(Decode(text), "v:1,1 z:4 v:3,1 v:4,1 v:3,3 Z:16373 v:1,1");
}

TEST(HyperLogLog, BecomesDenseWhenASparseFormWouldNotDo) {
  std::string text = Empty();
  Raise(&text, {1, 32}, kLimit);
  EXPECT_EQ(EncodingOf(text), Encoding::kSparse);
  Raise(&text, {2, 33}, kLimit);
  EXPECT_EQ(EncodingOf(text), Encoding::kDense);
  EXPECT_EQ(text.size(), kDenseBytes);
  EXPECT_EQ(RegistersOf(text)[1], 32);
  EXPECT_EQ(RegistersOf(text)[2], 33);

  text = Empty();
  Raise(&text, {1, 1}, 20);
  EXPECT_EQ(EncodingOf(text), Encoding::kSparse);
  Raise(&text, {2, 2}, 20);
  EXPECT_EQ(EncodingOf(text), Encoding::kDense);
}

TEST(HyperLogLog, SparseDenseAndModelAgree) {
  for (uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Registers model{};
    std::string text = Empty();
    std::string dense = text;
    ASSERT_TRUE(MakeDense(&dense));
    for (int i = 0; i < 3000; ++i) {
      // Few registers at first, so that runs meet.
      Mark mark{static_cast<uint16_t>(random.Below(i < 1000 ? 300 : kRegisters)),
                static_cast<uint8_t>(random.Below(i < 2900 ? 6 : 51) + 1)};
      bool is_raised = mark.height > model[mark.index];
      model[mark.index] = std::max(model[mark.index], mark.height);
      ASSERT_EQ(Raise(&text, mark, kLimit) == Change::kRaised, is_raised) << i;
      ASSERT_EQ(RaiseDense(dense.data(), mark), is_raised) << i;
      if (i % 100 != 0) continue;
      ASSERT_EQ(RegistersOf(text), model) << i;
      ASSERT_EQ(RegistersOf(dense), model) << i;
      ASSERT_EQ(Count(text), Count(model)) << i;
      ASSERT_EQ(Count(dense), Count(model)) << i;
    }
    EXPECT_EQ(EncodingOf(text), Encoding::kDense);
  }
}

TEST(HyperLogLog, CountsWithinThreeStandardErrors) {
  for (uint64_t seed : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::string text = Empty();
    std::set<uint64_t> model;
    for (size_t size : {1, 10, 100, 1000, 5000}) {
      while (model.size() < size) {
        // A third comes again.
        uint64_t element = random.Below(1'000'000'000) + seed * 1'000'000'000;
        if (!model.empty() && random.Below(3) == 0) element = *model.begin();
        model.insert(element);
        Add(&text, std::to_string(element));
      }
      double error = static_cast<double>(*Count(text)) - static_cast<double>(size);
      EXPECT_LE(std::abs(error), std::ceil(3 * 0.0081 * static_cast<double>(size))) << size;
    }
  }
}

TEST(HyperLogLog, CountsLargeSetsWithinThreeStandardErrors) {
  std::string text = Empty();
  uint64_t size = 0;
  for (uint64_t checkpoint : {10'000, 50'000, 200'000}) {
    for (; size < checkpoint; ++size) {
      Add(&text, {reinterpret_cast<const char*>(&size), sizeof(size)});
    }
    double error = static_cast<double>(*Count(text)) / static_cast<double>(size) - 1;
    EXPECT_LE(std::abs(error), 3 * 0.0081) << size;
  }
}

TEST(HyperLogLog, MergingGivesTheUnion) {
  std::string left = Empty();
  std::string right = Empty();
  std::string both = Empty();
  for (int i = 0; i < 2000; ++i) {
    std::string element = std::to_string(i);
    if (i < 1200) Add(&left, element, 100);
    if (i > 800) Add(&right, element, 10000);
    Add(&both, element);
  }
  EXPECT_EQ(EncodingOf(left), Encoding::kDense);
  EXPECT_EQ(EncodingOf(right), Encoding::kSparse);
  Registers registers{};
  ASSERT_TRUE(Merge(left, &registers));
  ASSERT_TRUE(Merge(right, &registers));
  EXPECT_EQ(registers, RegistersOf(both));
  EXPECT_EQ(Count(registers), Count(both));
}

TEST(HyperLogLog, OtherStringsAreNone) {
  EXPECT_EQ(EncodingOf(""), std::nullopt);
  EXPECT_EQ(EncodingOf("HYLL"), std::nullopt);
  EXPECT_EQ(EncodingOf(Empty().substr(0, kHeaderBytes - 1)), std::nullopt);
  std::string text = Empty();
  text[0] = 'h';
  EXPECT_EQ(EncodingOf(text), std::nullopt);
  text = Empty();
  text[4] = 2;
  EXPECT_EQ(EncodingOf(text), std::nullopt);
  text[4] = 0;
  EXPECT_EQ(EncodingOf(text), std::nullopt);
  text.resize(kDenseBytes);
  EXPECT_EQ(EncodingOf(text), Encoding::kDense);
}

TEST(HyperLogLog, TellsCorruptRunsFromWholeOnes) {
  // None; too few registers; too many; a run cut off; one that reaches beyond the last register.
  for (std::string_view runs :
       {""sv, "\x3f"sv, "\x7f\xff\x00"sv, "\x7f"sv, "\x7f\xfd\x87"sv, "\x7f\xff\x7f\xff"sv}) {
    std::string text = Sparse(runs);
    ASSERT_EQ(EncodingOf(text), Encoding::kSparse);
    EXPECT_EQ(Count(text), std::nullopt);
    Registers registers{};
    EXPECT_FALSE(Merge(text, &registers));
    EXPECT_FALSE(MakeDense(&text));
    EXPECT_EQ(text, Sparse(runs));
  }
  std::string text = Sparse("\x3f");
  EXPECT_EQ(Raise(&text, {64, 1}, kLimit), Change::kCorrupt);
  EXPECT_EQ(Raise(&text, {1, 40}, kLimit), Change::kCorrupt);
  EXPECT_EQ(Decode(Sparse("\x3f\x7f")), std::nullopt);
}

TEST(HyperLogLog, CountsOfImpossibleRegistersAreOutOfDate) {
  std::string text = Empty();
  ASSERT_TRUE(MakeDense(&text));
  std::fill(text.begin() + kHeaderBytes, text.end(), '\xff');
  EXPECT_EQ(Count(text), uint64_t{1} << 63);
}

}  // namespace
}  // namespace kiln::hyperloglog
