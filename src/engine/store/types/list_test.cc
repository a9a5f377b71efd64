#include "engine/store/types/list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

using Texts = std::vector<std::string>;

std::string TextOf(const Element& element) {
  ElementScratch scratch;
  return std::string(element.ToString(scratch));
}

Texts TextsOf(const List& list, End from = End::kHead) {
  Texts texts;
  list.ForEach(
      {0, SIZE_MAX}, [&](const Element& element) { texts.push_back(TextOf(element)); }, from);
  return texts;
}

List ListOf(const Texts& texts, const ListLimits& limits = {}) {
  List list;
  for (const std::string& text : texts) list.PushTail(text, limits);
  return list;
}

std::string PopText(List& list, End end, const ListLimits& limits = {}) {
  std::string text;
  list.Pop(end, limits, [&](const Element& element) { text = TextOf(element); });
  return text;
}

TEST(List, ASmallListIsOneSmallObjectAndOneBlock) {
  EXPECT_LE(sizeof(List), 16u);
  List list = ListOf({"a", "1"});
  EXPECT_LE(list.memory_bytes(), 16u);
}

TEST(List, PushesAndPopsAtBothEnds) {
  List list = ListOf({"b", "3"});
  list.PushHead("a", {});
  EXPECT_EQ(TextsOf(list), (Texts{"a", "b", "3"}));
  EXPECT_EQ(PopText(list, End::kTail), "3");
  EXPECT_EQ(PopText(list, End::kHead), "a");
  EXPECT_EQ(PopText(list, End::kHead), "b");
  EXPECT_FALSE(list.Pop(End::kHead, {}, [](const Element&) { FAIL(); }));
  EXPECT_EQ(list.size(), 0u);
}

TEST(List, ResolvesIndicesAsLrangeDoes) {
  auto resolve = [](int64_t start, int64_t stop) {
    ListSlice slice = List::Resolve(start, stop, 5);
    return std::pair(slice.first, slice.count);
  };
  using Slice = std::pair<size_t, size_t>;
  EXPECT_EQ(resolve(0, -1), Slice(0, 5));
  EXPECT_EQ(resolve(-3, -2), Slice(2, 2));
  EXPECT_EQ(resolve(-100, 0), Slice(0, 1));
  EXPECT_EQ(resolve(3, 100), Slice(3, 2));
  EXPECT_EQ(resolve(5, 10).second, 0u);
  EXPECT_EQ(resolve(2, 1).second, 0u);
  EXPECT_EQ(resolve(INT64_MIN, INT64_MIN).second, 0u);
  EXPECT_EQ(resolve(INT64_MIN, INT64_MAX), Slice(0, 5));
  EXPECT_EQ(List::Resolve(0, -1, 0).count, 0u);
}

TEST(List, BecomesAQuicklistWhenAGrowthWouldPassTheLimit) {
  ListLimits three{3};
  List list = ListOf({"a", "b", "c"}, three);
  EXPECT_EQ(list.EncodingName(), "listpack");
  list.PushTail("d", three);
  EXPECT_EQ(list.EncodingName(), "quicklist");

  ListLimits four_kib{-1};
  List by_size = ListOf({std::string(4096 - 7, 'x')}, four_kib);
  EXPECT_EQ(by_size.EncodingName(), "listpack");
  by_size.PushTail("y", four_kib);
  EXPECT_EQ(by_size.EncodingName(), "quicklist");
  EXPECT_EQ(ListOf({std::string(4090, 'x')}, four_kib).EncodingName(), "quicklist");
  EXPECT_EQ(ListOf({std::string(9000, 'x')}, three).EncodingName(), "quicklist");
}

TEST(List, OneAnnouncedGrowthDecidesForAllItsElements) {
  List list;
  list.PrepareGrowth(10, 4, {3});
  EXPECT_EQ(list.EncodingName(), "quicklist");
}

TEST(List, BecomesAListpackAgainAtHalfTheLimit) {
  ListLimits limits{4};
  List list = ListOf({"a", "b", "c", "d", "e"}, limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  PopText(list, End::kTail, limits);
  PopText(list, End::kTail, limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  PopText(list, End::kTail, limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
  EXPECT_EQ(TextsOf(list), (Texts{"a", "b"}));
}

TEST(List, LimitsAreNamedAsInRedis) {
  EXPECT_EQ(ListLimits{-1}.MaxBytes(), 4096u);
  EXPECT_EQ(ListLimits{-2}.MaxBytes(), 8192u);
  EXPECT_EQ(ListLimits{-5}.MaxBytes(), 65536u);
  EXPECT_EQ(ListLimits{INT64_MIN}.MaxBytes(), 65536u);
  EXPECT_EQ(ListLimits{0}.MaxEntries(), 1u);
  EXPECT_EQ(ListLimits{7}.MaxEntries(), 7u);
}

TEST(List, PositionsHonourRankCountAndMaxlen) {
  for (int64_t size : {int64_t{-2}, int64_t{2}}) {
    List list = ListOf({"a", "b", "c", "1", "2", "3", "c", "c"}, {size});
    using Found = std::vector<size_t>;
    EXPECT_EQ(list.Positions("c", {}), Found{2});
    EXPECT_EQ(list.Positions("c", {.rank = 2}), Found{6});
    EXPECT_EQ(list.Positions("c", {.rank = -1}), Found{7});
    EXPECT_EQ(list.Positions("c", {.max_found = 0}), (Found{2, 6, 7}));
    EXPECT_EQ(list.Positions("c", {.rank = -2, .max_found = 0}), (Found{6, 2}));
    EXPECT_EQ(list.Positions("c", {.max_found = 0, .max_compared = 7}), (Found{2, 6}));
    EXPECT_EQ(list.Positions("c", {.rank = -1, .max_found = 2}), (Found{7, 6}));
    EXPECT_EQ(list.Positions("3", {}), Found{5});
    EXPECT_EQ(list.Positions("d", {}), Found{});
    EXPECT_EQ(list.Positions("c", {.rank = INT64_MIN}), Found{});
  }
}

TEST(List, AHugeElementGetsANodeOfItsOwn) {
  std::string huge(100000, 'h');
  List list = ListOf({"a", huge, "b"});
  std::vector<size_t> counts;
  list.ForEachListpack([&](const Listpack& pack) { counts.push_back(pack.size()); });
  EXPECT_EQ(counts, (std::vector<size_t>{1, 1, 1}));
  EXPECT_EQ(TextsOf(list), (Texts{"a", huge, "b"}));
  EXPECT_TRUE(list.Set(0, huge, {}));
  EXPECT_EQ(TextOf(*list.Index(0)), huge);
}

TEST(List, ListpacksGoOutAndComeBack) {
  ListLimits limits{3};
  Texts texts;
  for (int i = 0; i < 20; ++i) texts.push_back(std::to_string(i));
  List list = ListOf(texts, limits);
  List back;
  list.ForEachListpack([&](const Listpack& pack) {
    back.AppendListpack(*Listpack::FromBytes(pack.bytes()), limits);
  });
  EXPECT_EQ(TextsOf(back), texts);
  EXPECT_EQ(back.EncodingName(), "quicklist");
  Listpack pack;
  pack.PushBack("a");
  List one;
  one.AppendListpack(std::move(pack), limits);
  EXPECT_EQ(one.EncodingName(), "listpack");
}

TEST(List, IsFreedInSlices) {
  Texts texts(1000, std::string(100, 'x'));
  List list = ListOf(texts);
  int slices = 0;
  for (bool done = false; !done; ++slices) {
    size_t budget = 100;
    done = list.FreeSome(&budget);
  }
  EXPECT_GT(slices, 5);
  EXPECT_EQ(list.size(), 0u);
  size_t budget = 1;
  EXPECT_TRUE(ListOf({"a", "b"}).FreeSome(&budget));
}

// A list beside the vector that says what must be in it.
struct ListModel {
  explicit ListModel(uint64_t seed, ListLimits limits) : random(seed), limits(limits) {}

  std::string RandomText() {
    if (random.Below(50) == 0) return std::string(random.Below(3000), 'l');
    return random.Below(2) == 0 ? std::to_string(random.Below(20))
                                : std::string(random.Below(12), 'a');
  }

  void Step(bool growing) {
    std::string text = RandomText();
    uint64_t action = random.Below(growing ? 8 : 14);
    if (action < 6) return Grow(action, text);
    if (action < 8) return Change(text);
    Shrink(action, text);
  }

  void Grow(uint64_t action, const std::string& text) {
    if (action < 2) {
      list.PushHead(text, limits);
      model.insert(model.begin(), text);
    } else if (action < 4) {
      list.PushTail(text, limits);
      model.push_back(text);
    } else {
      std::string pivot = model.empty() ? "none" : model[random.Below(model.size())];
      auto at = std::find(model.begin(), model.end(), pivot);
      Side side = action == 4 ? Side::kBefore : Side::kAfter;
      ASSERT_EQ(list.Insert(side, pivot, text, limits), at != model.end());
      if (at != model.end()) model.insert(at + (side == Side::kAfter), text);
    }
  }

  void Change(const std::string& text) {
    auto size = static_cast<int64_t>(model.size());
    int64_t index = static_cast<int64_t>(random.Below(2 * size + 2)) - size - 1;
    bool exists = index >= -size && index < size;
    ASSERT_EQ(list.Set(index, text, limits), exists);
    if (exists) model[index < 0 ? index + size : index] = text;
  }

  void Shrink(uint64_t action, const std::string& text) {
    if (action < 12) {
      End end = action % 2 == 0 ? End::kHead : End::kTail;
      bool popped = list.Pop(end, limits, [&](const Element& element) {
        ASSERT_EQ(TextOf(element), end == End::kHead ? model.front() : model.back());
      });
      ASSERT_EQ(popped, !model.empty());
      if (popped) model.erase(end == End::kHead ? model.begin() : model.end() - 1);
    } else if (action == 12) {
      int64_t count = static_cast<int64_t>(random.Below(7)) - 3;
      ASSERT_EQ(list.Remove(count, text, limits), RemoveFromModel(count, text));
    } else if (random.Below(10) == 0) {
      size_t first = random.Below(model.size() / 4 + 1);
      size_t kept = model.size() - first - random.Below((model.size() - first) / 4 + 1);
      list.Trim({first, kept}, limits);
      model = Texts(model.begin() + first, model.begin() + first + kept);
    }
  }

  size_t RemoveFromModel(int64_t count, const std::string& text) {
    if (count < 0) std::reverse(model.begin(), model.end());
    size_t limit = count == 0 ? SIZE_MAX : std::abs(count);
    size_t removed = 0;
    std::erase_if(model, [&](const std::string& other) {
      return other == text && removed < limit && ++removed > 0;
    });
    if (count < 0) std::reverse(model.begin(), model.end());
    return removed;
  }

  void Check() {
    ASSERT_EQ(list.size(), model.size());
    ASSERT_EQ(TextsOf(list), model);
    Texts backward = TextsOf(list, End::kTail);
    std::reverse(backward.begin(), backward.end());
    ASSERT_EQ(backward, model);
    ASSERT_EQ(TextsOf(list.Clone()), model);
    size_t listpacks = 0;
    size_t elements = 0;
    list.ForEachListpack([&](const Listpack& pack) {
      ++listpacks;
      elements += pack.size();
    });
    ASSERT_EQ(listpacks, list.ListpackCount());
    ASSERT_EQ(elements, model.size());
    auto size = static_cast<int64_t>(model.size());
    for (int64_t i = -size; i < size; i += 1 + size / 8) {
      ASSERT_EQ(TextOf(*list.Index(i)), model[i < 0 ? i + size : i]);
    }
    ASSERT_FALSE(list.Index(size));
    ASSERT_FALSE(list.Index(-size - 1));
  }

  Random random;
  ListLimits limits;
  List list;
  Texts model;
};

TEST(List, BehavesLikeAVectorOfTexts) {
  for (int64_t max_listpack_size : {-1, -2, 1, 2, 5}) {
    SCOPED_TRACE(max_listpack_size);
    ListModel model(static_cast<uint64_t>(max_listpack_size + 10), {max_listpack_size});
    for (int step = 0; step < 1500 && !testing::Test::HasFatalFailure(); ++step) {
      model.Step(step < 700);
      if (step % 150 == 0) model.Check();
    }
    model.Check();
  }
}

}  // namespace
}  // namespace kiln
