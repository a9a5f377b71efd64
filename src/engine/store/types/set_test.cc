#include "engine/store/types/set.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace kiln {
namespace {

std::string TextOf(const Element& element) {
  ElementScratch scratch;
  return std::string(element.ToString(scratch));
}

std::multiset<std::string> TextsOf(const Set& set) {
  std::multiset<std::string> texts;
  set.ForEach([&](const Element& element) { texts.insert(TextOf(element)); });
  return texts;
}

Set SetOf(std::initializer_list<std::string_view> texts, const SetLimits& limits = {}) {
  Set set;
  for (std::string_view text : texts) set.Add(text, limits);
  return set;
}

Set Numbers(int count, const SetLimits& limits = {}) {
  Set set;
  for (int i = 0; i < count; ++i) set.Add(std::to_string(i), limits);
  return set;
}

TEST(Set, ASmallSetIsOneSmallObjectAndOneBlock) {
  EXPECT_LE(sizeof(Set), 16u);
  EXPECT_LE(SetOf({"1", "2"}).memory_bytes(), 16u);
  EXPECT_LE(SetOf({"a", "b"}).memory_bytes(), 16u);
}

TEST(Set, AddsRemovesAndFindsInEveryForm) {
  for (std::string_view member :
       {"7", "text", "a member that is far too long for any listpack, by some"}) {
    Set set = SetOf({"1", member});
    EXPECT_FALSE(set.Add(member, {}));
    EXPECT_TRUE(set.Contains(member));
    EXPECT_TRUE(set.Contains("1"));
    EXPECT_FALSE(set.Contains("01"));
    EXPECT_FALSE(set.Remove("absent"));
    EXPECT_TRUE(set.Remove(member));
    EXPECT_FALSE(set.Contains(member));
    EXPECT_EQ(set.size(), 1u);
    EXPECT_TRUE(set.Contains(Element{.integer = 1, .is_int = true}));
    EXPECT_TRUE(set.Contains(Element{.text = "1"}));
  }
}

TEST(Set, IntegersAreAnIntsetUpToItsLimit) {
  EXPECT_EQ(Numbers(512).EncodingName(), "intset");
  EXPECT_EQ(Numbers(513).EncodingName(), "hashtable");
  EXPECT_EQ(TextsOf(Numbers(513)).size(), 513u);
}

TEST(Set, AShortTextTurnsAFewIntegersIntoAListpack) {
  Set set = Numbers(127);
  EXPECT_TRUE(set.Add("a", {}));
  EXPECT_EQ(set.EncodingName(), "listpack");
  EXPECT_EQ(set.size(), 128u);
  set.Add("b", {});
  EXPECT_EQ(set.EncodingName(), "hashtable");

  Set many = Numbers(128);
  many.Add("a", {});
  EXPECT_EQ(many.EncodingName(), "hashtable");
  EXPECT_EQ(many.size(), 129u);
}

TEST(Set, LongMembersNeedAHashtable) {
  std::string longest(64, 'x');
  EXPECT_EQ(SetOf({longest}).EncodingName(), "listpack");
  EXPECT_EQ(SetOf({longest + "x"}).EncodingName(), "hashtable");
  EXPECT_EQ(SetOf({"a", longest + "x"}).EncodingName(), "hashtable");
  // Integers that are longer than a listpack's values may be.
  SetLimits short_values{.max_listpack_value = 4};
  EXPECT_EQ(SetOf({"12345", "a"}, short_values).EncodingName(), "hashtable");
  EXPECT_EQ(SetOf({"1234", "a"}, short_values).EncodingName(), "listpack");
}

TEST(Set, AnAnnouncedGrowthChoosesTheForm) {
  auto chosen = [](std::string_view first, size_t count) {
    Set set;
    set.PrepareGrowth(first, count, {});
    return std::string(set.EncodingName());
  };
  EXPECT_EQ(chosen("1", 512), "intset");
  EXPECT_EQ(chosen("1", 513), "hashtable");
  EXPECT_EQ(chosen("a", 128), "listpack");
  EXPECT_EQ(chosen("a", 129), "hashtable");
  Set set = Numbers(3);
  set.PrepareGrowth("4", 513, {});
  EXPECT_EQ(set.EncodingName(), "hashtable");
  EXPECT_EQ(set.size(), 3u);
  Set no_intsets;
  no_intsets.PrepareGrowth("1", 1, {.max_intset_entries = 0});
  no_intsets.Add("1", {.max_intset_entries = 0});
  EXPECT_EQ(no_intsets.EncodingName(), "listpack");
}

TEST(Set, AnEmptySetHasNoRandomMember) {
  Random random(1);
  Set set;
  EXPECT_FALSE(set.RandomMember(random, [](const Element&) { FAIL(); }));
  EXPECT_FALSE(set.PopRandom(random, [](const Element&) { FAIL(); }));
}

TEST(Set, RandomMembersAreSpread) {
  for (const char* last : {"7", "x"}) {
    for (size_t listpack_entries : {size_t{128}, size_t{0}}) {
      Set set = SetOf({"1", "2", "3", last}, {.max_listpack_entries = listpack_entries});
      Random random(5);
      std::map<std::string, int> drawn;
      for (int i = 0; i < 4000; ++i) {
        set.RandomMember(random, [&](const Element& element) { ++drawn[TextOf(element)]; });
      }
      EXPECT_EQ(drawn.size(), 4u);
      for (auto& [text, times] : drawn) EXPECT_GT(times, 700) << set.EncodingName() << text;
    }
  }
}

TEST(Set, PopsEveryMemberOnce) {
  for (int count : {100, 1000}) {
    for (bool with_text : {false, true}) {
      Set set = Numbers(count);
      if (with_text) set.Add("x", {});
      std::multiset<std::string> expected = TextsOf(set);
      std::multiset<std::string> popped;
      Random random(3);
      while (set.PopRandom(random, [&](const Element& e) { popped.insert(TextOf(e)); })) continue;
      EXPECT_EQ(popped, expected);
      EXPECT_EQ(set.size(), 0u);
    }
  }
}

TEST(Set, ScanVisitsEveryMember) {
  for (int count : {10, 5000}) {
    Set set = Numbers(count);
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int calls = 0;
    do {
      cursor = set.Scan(cursor, 10, [&](const Element& element) { seen.insert(TextOf(element)); });
      ++calls;
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), static_cast<size_t>(count));
    EXPECT_EQ(calls == 1, count == 10);
  }
}

TEST(Set, WhatIsAskedForAheadIsWhereAMemberOfATableLies) {
  Set small = SetOf({"a", "b"});
  small.PrefetchForm();
  small.PrefetchDirectory();
  TableHint nowhere = small.PrefetchMember("a");
  Set::PrefetchFound(&nowhere);
  EXPECT_EQ(nowhere.slot, nullptr);
  Set big = Numbers(1000, {.max_intset_entries = 10, .max_listpack_entries = 10});
  big.PrefetchForm();
  big.PrefetchDirectory();
  for (int i = 0; i < 1000; ++i) {
    TableHint hint = big.PrefetchMember(std::to_string(i));
    Set::PrefetchFound(&hint);
    EXPECT_NE(hint.slot, nullptr) << i;
  }
}

TEST(Set, IsFreedInSlices) {
  Set set = Numbers(1000);
  size_t budget = 400;
  EXPECT_FALSE(set.FreeSome(&budget));
  EXPECT_LT(budget, 10u);
  budget = 4000;
  EXPECT_TRUE(set.FreeSome(&budget));
  EXPECT_EQ(set.size(), 0u);
  budget = 1;
  EXPECT_TRUE(Numbers(5).FreeSome(&budget));
}

TEST(Set, LoadedIntsetsObeyTheLimits) {
  Intset intset;
  for (int i = 0; i < 10; ++i) intset.Add(i);
  Set set;
  set.Assign(intset.Clone(), {});
  EXPECT_EQ(set.EncodingName(), "intset");
  set.Assign(intset.Clone(), {.max_intset_entries = 9});
  EXPECT_EQ(set.EncodingName(), "hashtable");
  EXPECT_EQ(set.size(), 10u);
}

TEST(Set, BehavesLikeASetOfTexts) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    SetLimits limits{
        .max_intset_entries = 20, .max_listpack_entries = 30, .max_listpack_value = 10};
    Set set;
    std::set<std::string> model;
    uint64_t range = seed % 2 == 0 ? 40 : 400;
    for (int step = 0; step < 2000; ++step) {
      std::string text = std::to_string(random.Below(range));
      if (step > 15 && random.Below(3) == 0) text.insert(0, random.Below(12), 'm');
      switch (random.Below(5)) {
        case 0:
          ASSERT_EQ(set.Remove(text), model.erase(text) == 1);
          break;
        case 1:
          ASSERT_EQ(set.Contains(text), model.contains(text));
          break;
        default:
          ASSERT_EQ(set.Add(text, limits), model.insert(text).second);
      }
      ASSERT_EQ(set.size(), model.size());
      if (step % 200 == 0) {
        std::multiset<std::string> expected(model.begin(), model.end());
        ASSERT_EQ(TextsOf(set), expected);
        ASSERT_EQ(TextsOf(set.Clone()), expected);
        ASSERT_EQ(set.Clone().EncodingName(), set.EncodingName());
      }
    }
  }
}

}  // namespace
}  // namespace kiln
