#include "engine/store/types/hash.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace kiln {
namespace {

using Model = std::map<std::string, std::string>;

constexpr HashLimits kDefaultLimits;
constexpr HashLimits kAlwaysBig{0, 64};
constexpr HashLimits kAlwaysCompact{100'000, 100'000'000};

// Every behaviour must be the same in both forms.
class HashTest : public testing::TestWithParam<HashLimits> {
 protected:
  bool Set(std::string_view field, std::string_view value) {
    return hash_.Set(field, value, GetParam());
  }
  bool IsBig() const { return GetParam().max_listpack_entries == 0; }

  static std::string Get(const Hash& hash, std::string_view field) {
    ElementScratch scratch;
    std::optional<std::string_view> value = hash.Get(field, scratch);
    return value ? std::string(*value) : "(absent)";
  }
  static Model ReadAll(const Hash& hash) {
    Model all;
    hash.ForEach([&](std::string_view field, std::string_view value) {
      EXPECT_TRUE(all.emplace(field, value).second);
    });
    return all;
  }

  Hash hash_;
};

INSTANTIATE_TEST_SUITE_P(Forms, HashTest, testing::Values(kAlwaysCompact, kAlwaysBig),
                         [](const auto& info) {
                           return info.param.max_listpack_entries == 0 ? "Big" : "Compact";
                         });

TEST_P(HashTest, SetTellsNewFieldsFromChangedOnes) {
  EXPECT_TRUE(Set("f", "1"));
  EXPECT_FALSE(Set("f", "two"));
  EXPECT_EQ(Get(hash_, "f"), "two");
  EXPECT_EQ(hash_.size(), 1u);
  EXPECT_EQ(hash_.EncodingName(), IsBig() ? "hashtable" : "listpack");
}

TEST_P(HashTest, AnEmptyHashAnswersEverything) {
  size_t budget = 1;
  Random random(1);
  EXPECT_TRUE(hash_.empty());
  EXPECT_FALSE(hash_.Remove("f"));
  EXPECT_FALSE(hash_.Contains("f"));
  EXPECT_EQ(hash_.ValueLength("f"), 0u);
  EXPECT_EQ(Get(hash_, "f"), "(absent)");
  hash_.RandomField(random, [](std::string_view, std::string_view) { FAIL(); });
  EXPECT_TRUE(hash_.FreeSome(&budget));
}

TEST_P(HashTest, FieldsAndValuesAreAnyBytes) {
  const std::string binary("\0\xff\r\n", 4);
  Set("", binary);
  Set(binary, "");
  Set("12", "-7");
  Set("012", "+7");
  EXPECT_EQ(ReadAll(hash_), (Model{{"", binary}, {binary, ""}, {"12", "-7"}, {"012", "+7"}}));
  EXPECT_EQ(hash_.ValueLength("12"), 2u);
  EXPECT_EQ(hash_.ValueLength(""), 4u);
  EXPECT_FALSE(hash_.Contains("-7"));  // A value is never taken for a field.
}

TEST_P(HashTest, AValueMayChangeItsSizeByFar) {
  for (size_t bytes : {0, 1, 127, 128, 5, 16'383, 16'384, 100'000, 3}) {
    std::string value(bytes, 'v');
    Set("f", value);
    EXPECT_EQ(Get(hash_, "f"), value);
    EXPECT_EQ(hash_.ValueLength("f"), bytes);
  }
  Set(std::string(300, 'f'), "v");
  EXPECT_EQ(Get(hash_, std::string(300, 'f')), "v");
}

TEST_P(HashTest, RandomFieldReachesEveryField) {
  for (const char* field : {"a", "b", "c", "d", "e"}) Set(field, std::string(field) + "!");
  Random random(5);
  std::map<std::string, int> seen;
  for (int i = 0; i < 300; ++i) {
    hash_.RandomField(random, [&](std::string_view field, std::string_view value) {
      EXPECT_EQ(std::string(field) + "!", value);
      ++seen[std::string(field)];
    });
  }
  EXPECT_EQ(seen.size(), 5u);
  for (const auto& [field, times] : seen) EXPECT_GT(times, 15) << field;
}

TEST_P(HashTest, ScanVisitsWhatIsThereThroughout) {
  for (int i = 0; i < 400; ++i) Set(std::to_string(i), "v");
  std::map<std::string, int> seen;
  uint64_t cursor = 0;
  int round = 0;
  do {
    cursor = hash_.Scan(
        cursor, 10, [&](std::string_view field, std::string_view) { ++seen[std::string(field)]; });
    Set("new" + std::to_string(round), "v");
    hash_.Remove(std::to_string(300 + round++ % 100));
  } while (cursor != 0);
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(seen.contains(std::to_string(i))) << i;
}

TEST_P(HashTest, ACloneIsIndependent) {
  Set("a", "1");
  Set("b", "2");
  Hash copy = hash_.Clone();
  EXPECT_EQ(copy.EncodingName(), hash_.EncodingName());
  hash_.Remove("a");
  copy.Set("b", "3", GetParam());
  EXPECT_EQ(ReadAll(hash_), (Model{{"b", "2"}}));
  EXPECT_EQ(ReadAll(copy), (Model{{"a", "1"}, {"b", "3"}}));
}

TEST_P(HashTest, FreeSomeStaysWithinItsBudgetAndEndsEmpty) {
  for (int i = 0; i < 300; ++i) Set(std::to_string(i), "v");
  size_t calls = 0;
  bool done = false;
  while (!done) {
    size_t budget = 25;
    done = hash_.FreeSome(&budget);
    EXPECT_LE(budget, 25u);
    ++calls;
  }
  EXPECT_GE(calls, IsBig() ? 10u : 1u);
  EXPECT_EQ(hash_.memory_bytes(), 0u);
}

TEST_P(HashTest, RandomChangesAgreeWithAStdMap) {
  SCOPED_TRACE("seed 4242");
  Random random(4242);
  Model model;
  for (int i = 0; i < 4000; ++i) {
    std::string field = std::to_string(random.Below(200));
    if (random.Below(3) == 0) {
      ASSERT_EQ(hash_.Remove(field), model.erase(field) == 1);
    } else {
      std::string value = random.Below(2) == 0 ? std::to_string(random.Below(100'000))
                                               : std::string(random.Below(40), 'x');
      ASSERT_EQ(Set(field, value), model.insert_or_assign(field, value).second);
    }
    ASSERT_EQ(hash_.size(), model.size());
  }
  EXPECT_EQ(ReadAll(hash_), model);
  for (const auto& [field, value] : model) ASSERT_EQ(Get(hash_, field), value);
}

TEST(Hash, BecomesLargePastTheEntriesLimit) {
  Hash hash;
  for (int i = 0; i < 512; ++i) hash.Set(std::to_string(i), "v", kDefaultLimits);
  hash.Set("0", "other", kDefaultLimits);
  EXPECT_EQ(hash.EncodingName(), "listpack");
  hash.Set("512", "v", kDefaultLimits);
  EXPECT_EQ(hash.EncodingName(), "hashtable");
  EXPECT_EQ(hash.size(), 513u);
  EXPECT_EQ(hash.ValueLength("0"), 5u);
}

TEST(Hash, IsATablePastEightKibibytesThoughItsNameGoesByTheLimits) {
  Hash hash;
  std::string value(60, 'v');
  for (int i = 0; i < 512; ++i) hash.Set("field:" + std::to_string(i), value, kDefaultLimits);
  EXPECT_EQ(hash.EncodingName(), "listpack");
  EXPECT_EQ(hash.Clone().EncodingName(), "listpack");
  size_t visited = 0;
  hash.Scan(0, 1, [&](std::string_view, std::string_view) { ++visited; });
  EXPECT_LT(visited, 512u) << "a listpack gives everything at once";
  hash.Set("one more", value, kDefaultLimits);
  EXPECT_EQ(hash.EncodingName(), "hashtable");
  EXPECT_EQ(hash.Clone().EncodingName(), "hashtable");
}

TEST(Hash, BecomesLargeWithALongFieldOrValue) {
  const std::string fits(64, 'x'), longer(65, 'x');
  Hash by_field, by_value, by_change;
  by_field.Set(fits, fits, kDefaultLimits);
  EXPECT_EQ(by_field.EncodingName(), "listpack");
  by_field.Set(longer, "v", kDefaultLimits);
  EXPECT_EQ(by_field.EncodingName(), "hashtable");
  by_value.Set("f", longer, kDefaultLimits);
  EXPECT_EQ(by_value.EncodingName(), "hashtable");
  by_change.Set("f", "v", kDefaultLimits);
  EXPECT_FALSE(by_change.Set("f", longer, kDefaultLimits));
  EXPECT_EQ(by_change.EncodingName(), "hashtable");
  EXPECT_EQ(by_change.size(), 1u);
}

TEST(Hash, IsSmallAsAnObject) {
  EXPECT_LE(sizeof(Hash), 16u);
}

}  // namespace
}  // namespace kiln
