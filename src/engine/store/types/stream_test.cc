#include "engine/store/types/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

using Direction = Stream::Cursor::Direction;
using Texts = std::vector<std::string>;
using Until = StreamTrim::Until;

constexpr StreamLimits kDefaultLimits;

void Add(Stream& stream, const StreamId& id, const Texts& texts,
         const StreamLimits& limits = kDefaultLimits) {
  std::vector<std::string_view> fields(texts.begin(), texts.end());
  stream.Add(id, fields, limits);
}

// Entries 1-0 to `count`-0.
void AddSeveral(Stream& stream, uint64_t count, const StreamLimits& limits = kDefaultLimits) {
  for (uint64_t i = 1; i <= count; ++i) Add(stream, {i, 0}, {"f", std::to_string(i)}, limits);
}

using Entries = std::vector<std::pair<StreamId, Texts>>;

Entries Read(const Stream& stream, const StreamId& first = kMinStreamId,
             const StreamId& last = kMaxStreamId, Direction direction = Direction::kForward) {
  Entries entries;
  Stream::Cursor cursor(stream, first, last, direction);
  while (cursor.Next()) {
    Texts texts;
    cursor.ForEachField([&](std::string_view field, std::string_view value) {
      texts.emplace_back(field);
      texts.emplace_back(value);
    });
    EXPECT_EQ(texts.size(), cursor.fields() * 2);
    entries.emplace_back(cursor.id(), std::move(texts));
  }
  EXPECT_FALSE(cursor.Next());
  return entries;
}

std::vector<uint64_t> Ids(const Stream& stream, const StreamId& first = kMinStreamId,
                          const StreamId& last = kMaxStreamId,
                          Direction direction = Direction::kForward) {
  std::vector<uint64_t> ids;
  for (const auto& [id, texts] : Read(stream, first, last, direction)) ids.push_back(id.ms);
  return ids;
}

TEST(Stream, IsEmptyAtFirst) {
  Stream stream;
  EXPECT_EQ(stream.size(), 0u);
  EXPECT_EQ(stream.last_id(), kMinStreamId);
  EXPECT_EQ(stream.NewestId(), kMinStreamId);
  EXPECT_TRUE(Read(stream).empty());
  EXPECT_TRUE(Read(stream, kMinStreamId, kMaxStreamId, Direction::kBackward).empty());
  EXPECT_FALSE(stream.Delete({1, 1}));
  EXPECT_EQ(stream.Trim({.until = Until::kLength, .min_id = {}}), 0u);
}

TEST(Stream, KeepsFieldsAndValuesAsTheyWere) {
  Stream stream;
  Add(stream, {1, 0}, {"a", "1", "b", "two"});
  Add(stream, {1, 1}, {"a", "-7", "b", ""});
  Add(stream, {5, 0}, {"b", "x", "a", "y"});
  Add(stream, {5, 9}, {"a", std::string(5000, 'z')});
  Add(stream, {UINT64_MAX, 3}, {"1", "007", "2", "9223372036854775808"});
  EXPECT_EQ(Read(stream), (Entries{{{1, 0}, {"a", "1", "b", "two"}},
                                   {{1, 1}, {"a", "-7", "b", ""}},
                                   {{5, 0}, {"b", "x", "a", "y"}},
                                   {{5, 9}, {"a", std::string(5000, 'z')}},
                                   {{UINT64_MAX, 3}, {"1", "007", "2", "9223372036854775808"}}}));
  EXPECT_EQ(stream.size(), 5u);
  EXPECT_EQ(stream.first_id(), (StreamId{1, 0}));
  EXPECT_EQ(stream.last_id(), (StreamId{UINT64_MAX, 3}));
}

TEST(Stream, HoldsEntriesOfManyFields) {
  Stream stream;
  for (uint64_t id = 1; id <= 3; ++id) {
    Texts texts;
    for (size_t i = 0; i < 600; ++i) texts.push_back("f" + std::to_string(i * id));
    Add(stream, {id, 0}, texts);
    EXPECT_EQ(Read(stream, {id, 0}, {id, 0}).at(0).second, texts);
  }
  EXPECT_EQ(Ids(stream, kMinStreamId, kMaxStreamId, Direction::kBackward),
            (std::vector<uint64_t>{3, 2, 1}));
}

TEST(Stream, ReadsRangesBothWays) {
  Stream stream;
  AddSeveral(stream, 7, {.max_node_entries = 3});
  EXPECT_EQ(stream.node_count(), 3u);
  EXPECT_EQ(Ids(stream, {3, 0}, {5, 0}), (std::vector<uint64_t>{3, 4, 5}));
  EXPECT_EQ(Ids(stream, {3, 1}, {5, 9}), (std::vector<uint64_t>{4, 5}));
  EXPECT_EQ(Ids(stream, {2, 0}, {5, 0}, Direction::kBackward), (std::vector<uint64_t>{5, 4, 3, 2}));
  EXPECT_EQ(Ids(stream, {5, 0}, {3, 0}), std::vector<uint64_t>{});
  EXPECT_EQ(Ids(stream, {8, 0}, kMaxStreamId), std::vector<uint64_t>{});
  EXPECT_EQ(Ids(stream, kMinStreamId, {0, 5}, Direction::kBackward), std::vector<uint64_t>{});
}

TEST(Stream, MakesIdsThatGrow) {
  Stream stream;
  EXPECT_EQ(stream.NextId(5), (StreamId{5, 0}));
  EXPECT_EQ(stream.NextIdAt(0), (StreamId{0, 1}));
  EXPECT_EQ(stream.NextIdAt(3), (StreamId{3, 0}));
  Add(stream, {10, 4}, {"f", "v"});
  EXPECT_EQ(stream.NextId(11), (StreamId{11, 0}));
  EXPECT_EQ(stream.NextId(10), (StreamId{10, 5}));
  EXPECT_EQ(stream.NextId(2), (StreamId{10, 5}));  // a clock that goes back
  EXPECT_EQ(stream.NextIdAt(10), (StreamId{10, 5}));
  EXPECT_EQ(stream.NextIdAt(9), std::nullopt);
  stream.SetLastId({10, UINT64_MAX});
  EXPECT_EQ(stream.NextId(3), (StreamId{11, 0}));
  EXPECT_EQ(stream.NextIdAt(10), std::nullopt);
}

TEST(Stream, BeginsANodeWhereALimitIsReached) {
  Stream by_entries;
  AddSeveral(by_entries, 10, {.max_node_bytes = 0, .max_node_entries = 4});
  EXPECT_EQ(by_entries.node_count(), 3u);
  Stream by_bytes;
  for (uint64_t i = 1; i <= 10; ++i)
    Add(by_bytes, {i, 0}, {"f", std::string(40, 'x')}, {.max_node_bytes = 100});
  EXPECT_EQ(by_bytes.node_count(), 10u);
  Stream unlimited;
  AddSeveral(unlimited, 1000, {.max_node_bytes = 0, .max_node_entries = 0});
  EXPECT_EQ(unlimited.node_count(), 1u);
}

TEST(Stream, ForgetsDeletedEntries) {
  Stream stream;
  AddSeveral(stream, 7, {.max_node_entries = 3});
  EXPECT_TRUE(stream.Delete({2, 0}));
  EXPECT_FALSE(stream.Delete({2, 0}));
  EXPECT_FALSE(stream.Contains({2, 0}));
  EXPECT_TRUE(stream.Delete({5, 0}));
  EXPECT_EQ(Ids(stream), (std::vector<uint64_t>{1, 3, 4, 6, 7}));
  EXPECT_EQ(stream.max_deleted_id(), (StreamId{5, 0}));
  EXPECT_TRUE(stream.Delete({1, 0}));
  EXPECT_EQ(stream.first_id(), (StreamId{3, 0}));
  EXPECT_TRUE(stream.Delete({3, 0}));  // the last one of its node
  EXPECT_EQ(stream.node_count(), 2u);
  EXPECT_TRUE(stream.Delete({7, 0}));
  EXPECT_EQ(stream.NewestId(), (StreamId{6, 0}));
  EXPECT_EQ(stream.last_id(), (StreamId{7, 0}));
  EXPECT_EQ(Ids(stream, kMinStreamId, kMaxStreamId, Direction::kBackward),
            (std::vector<uint64_t>{6, 4}));
  stream.Delete({4, 0});
  stream.Delete({6, 0});
  EXPECT_EQ(stream.node_count(), 0u);
  EXPECT_EQ(stream.first_id(), kMinStreamId);
  EXPECT_EQ(stream.entries_added(), 7u);
}

TEST(Stream, IsTrimmedToALength) {
  Stream stream;
  AddSeveral(stream, 10, {.max_node_entries = 4});
  StreamTrim trim{.until = Until::kLength, .length = 7, .min_id = {}};
  trim.whole_nodes = true;
  EXPECT_EQ(stream.Trim(trim), 0u);
  trim.length = 6;
  EXPECT_EQ(stream.Trim(trim), 4u);
  trim.whole_nodes = false;
  trim.length = 5;
  EXPECT_EQ(stream.Trim(trim), 1u);
  EXPECT_EQ(Ids(stream), (std::vector<uint64_t>{6, 7, 8, 9, 10}));
  EXPECT_EQ(stream.first_id(), (StreamId{6, 0}));
  trim.length = 1;
  EXPECT_EQ(stream.Trim(trim), 4u);
  EXPECT_EQ(Ids(stream), (std::vector<uint64_t>{10}));
  trim.length = 0;
  EXPECT_EQ(stream.Trim(trim), 1u);
  EXPECT_EQ(stream.node_count(), 0u);
  EXPECT_EQ(stream.max_deleted_id(), kMinStreamId);
}

TEST(Stream, IsTrimmedUpToAnId) {
  Stream stream;
  AddSeveral(stream, 10, {.max_node_entries = 4});
  stream.Delete({2, 0});
  StreamTrim trim{.until = Until::kId, .min_id = {6, 0}};
  trim.whole_nodes = true;
  EXPECT_EQ(stream.Trim(trim), 3u);
  EXPECT_EQ(stream.first_id(), (StreamId{5, 0}));
  trim.whole_nodes = false;
  EXPECT_EQ(stream.Trim(trim), 1u);
  EXPECT_EQ(Ids(stream), (std::vector<uint64_t>{6, 7, 8, 9, 10}));
  EXPECT_EQ(stream.Trim(trim), 0u);
}

TEST(Stream, TrimsNoMoreThanItsLimit) {
  Stream stream;
  AddSeveral(stream, 10, {.max_node_entries = 4});
  StreamTrim trim{.until = Until::kLength, .min_id = {}, .whole_nodes = true};
  trim.limit = 3;
  EXPECT_EQ(stream.Trim(trim), 0u);
  trim.limit = 9;
  EXPECT_EQ(stream.Trim(trim), 8u);
  EXPECT_EQ(stream.size(), 2u);
}

TEST(Stream, KnowsHowFarAGroupIsBehind) {
  Stream stream;
  StreamGroup* group = stream.CreateGroup("g", kMinStreamId, StreamGroup::kUnknown);
  EXPECT_EQ(stream.CreateGroup("g", kMinStreamId, 0), nullptr);
  EXPECT_EQ(stream.LagOf(*group), 0);
  AddSeveral(stream, 5);
  EXPECT_EQ(stream.LagOf(*group), 5);
  stream.Advance(group, {1, 0});
  EXPECT_EQ(group->entries_read, 1);
  stream.Advance(group, {2, 0});
  EXPECT_EQ(stream.LagOf(*group), 3);
  stream.Delete({4, 0});
  EXPECT_EQ(stream.LagOf(*group), std::nullopt);
  stream.Advance(group, {3, 0});
  EXPECT_EQ(group->entries_read, StreamGroup::kUnknown);
  stream.Advance(group, {5, 0});
  EXPECT_EQ(group->entries_read, 5);
  EXPECT_EQ(stream.LagOf(*group), 0);
}

TEST(Stream, GivesAGroupAwayWhole) {
  Stream stream;
  StreamGroup* group = stream.CreateGroup("g", kMinStreamId, 0);
  StreamConsumer* consumer = group->CreateConsumer("c", 1);
  for (uint64_t ms = 1; ms <= 100; ++ms) group->Deliver({ms, 0}, consumer, 1);
  EXPECT_EQ(stream.TakeGroup("h"), nullptr);
  std::unique_ptr<Stream> taken = stream.TakeGroup("g");
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(stream.FindGroup("g"), nullptr);
  EXPECT_EQ(taken->FreeCost(), 102u);
  size_t budget = 50;
  EXPECT_FALSE(taken->FreeSome(&budget));
  budget = 1000;
  EXPECT_TRUE(taken->FreeSome(&budget));
}

TEST(Stream, IsFreedInSlices) {
  Stream stream;
  AddSeveral(stream, 1000, {.max_node_entries = 10});
  EXPECT_EQ(stream.FreeCost(), 100u);
  size_t budget = 60;
  EXPECT_FALSE(stream.FreeSome(&budget));
  EXPECT_EQ(budget, 0u);
  budget = 60;
  EXPECT_TRUE(stream.FreeSome(&budget));
  EXPECT_EQ(budget, 20u);
}

TEST(Stream, CopiesEverything) {
  Stream stream;
  AddSeveral(stream, 300, {.max_node_entries = 7});
  stream.Delete({5, 0});
  stream.Trim({.until = Until::kLength, .length = 250, .min_id = {}});
  stream.CreateGroup("g", {3, 0}, 3)->CreateConsumer("c", 1);
  Stream copy = stream.Clone();
  EXPECT_EQ(Read(copy), Read(stream));
  EXPECT_EQ(copy.first_id(), stream.first_id());
  EXPECT_EQ(copy.last_id(), stream.last_id());
  EXPECT_EQ(copy.max_deleted_id(), stream.max_deleted_id());
  EXPECT_EQ(copy.entries_added(), 300u);
  EXPECT_NE(copy.FindGroup("g")->FindConsumer("c"), nullptr);
  EXPECT_GT(stream.memory_bytes(), 300u * 4);
}

// ---- Against a std::map ----

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    limits_.max_node_entries = random_.Below(3) == 0 ? 0 : 1 + random_.Below(12);
    limits_.max_node_bytes = random_.Below(2) == 0 ? 0 : 60 + random_.Below(300);
  }

  void Step() {
    switch (random_.Below(8)) {
      case 0:
        return Delete();
      case 1:
        return random_.Below(8) == 0 ? Trim() : Compare();
      case 2:
        return Compare();
      default:
        return Add();
    }
  }

  void Compare() {
    StreamId first = SomeId();
    StreamId last = SomeId();
    Entries expected;
    for (auto at = entries_.lower_bound(first); at != entries_.end() && at->first <= last; ++at)
      expected.emplace_back(*at);
    EXPECT_EQ(Read(stream_, first, last), expected);
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(Read(stream_, first, last, Direction::kBackward), expected);
    EXPECT_EQ(stream_.size(), entries_.size());
    EXPECT_EQ(stream_.first_id(), entries_.empty() ? kMinStreamId : entries_.begin()->first);
    EXPECT_EQ(stream_.NewestId(), entries_.empty() ? kMinStreamId : entries_.rbegin()->first);
  }

 private:
  StreamId SomeId() {
    if (random_.Below(8) == 0) return kMinStreamId;
    if (random_.Below(8) == 0) return kMaxStreamId;
    return {random_.Below(stream_.last_id().ms + 2), random_.Below(4)};
  }

  void Add() {
    bool same_ms = random_.Below(2) == 0;
    StreamId last = stream_.last_id();
    StreamId id = same_ms ? *last.Next() : StreamId{last.ms + 1 + random_.Below(200), 0};
    Texts texts;
    uint64_t pairs = random_.Below(4) == 0 ? 1 + random_.Below(5) : 2;
    for (uint64_t i = 0; i < pairs; ++i) {
      texts.push_back(random_.Below(9) == 0 ? "other" : "field" + std::to_string(i));
      texts.push_back(random_.Below(2) == 0 ? std::to_string(random_.Below(100000))
                                            : std::string(random_.Below(80), 'v'));
    }
    kiln::Add(stream_, id, texts, limits_);
    entries_[id] = texts;
  }

  void Delete() {
    auto at = entries_.lower_bound(SomeId());
    StreamId id = at == entries_.end() || random_.Below(4) == 0 ? SomeId() : at->first;
    EXPECT_EQ(stream_.Delete(id), entries_.erase(id) > 0);
  }

  void Trim() {
    StreamTrim trim;
    trim.until = random_.Below(2) == 0 ? Until::kLength : Until::kId;
    trim.length = random_.Below(entries_.size() + 2);
    trim.min_id = SomeId();
    if (trim.min_id == kMaxStreamId) trim.min_id = kMinStreamId;
    trim.whole_nodes = random_.Below(3) == 0;
    auto may_go = [&] {
      return !entries_.empty() &&
             (trim.until == Until::kLength ? entries_.size() > trim.length
                                           : entries_.begin()->first < trim.min_id);
    };
    for (uint64_t left = stream_.Trim(trim); left > 0; --left) {
      EXPECT_TRUE(may_go());
      entries_.erase(entries_.begin());
    }
    if (!trim.whole_nodes) {
      EXPECT_FALSE(may_go());
    }
  }

  Random random_;
  StreamLimits limits_;
  Stream stream_;
  std::map<StreamId, Texts> entries_;
};

TEST(Stream, BehavesLikeAMapOfEntries) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int step = 0; step < 600 && !testing::Test::HasFailure(); ++step) model.Step();
    model.Compare();
  }
}

}  // namespace
}  // namespace kiln
