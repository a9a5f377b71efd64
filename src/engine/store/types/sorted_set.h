// SortedSet: members ordered by score, then by bytes.
//
// Small: a listpack of (member, score) pairs in order, scores as the text Redis would store. Large:
// a hash table of member records (zset_member.h) beside a tree that orders them (score_tree.h). A
// set that became large stays large. Ranges by score or bytes are first turned into ranks, which
// costs O(log n) in a large set; one function then walks ranks and one removes them.
//
// Scores are never NaN; callers check. Views given to visitors are valid during the call only, and
// a visitor must not change the set. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/hash.h"
#include "base/random.h"
#include "engine/store/table/table.h"
#include "engine/store/types/listpack.h"
#include "engine/store/types/score_tree.h"
#include "engine/store/types/zset_range.h"

namespace kiln {

// Past either limit a set becomes large.
struct ZsetLimits {
  size_t max_listpack_entries = 128;
  size_t max_listpack_value = 64;
};

class SortedSet {
 public:
  enum class AddResult : uint8_t { kUnchanged, kUpdated, kAdded };

  size_t size() const { return big_ ? big_->order.size() : compact_.size() / 2; }
  bool empty() const { return size() == 0; }
  std::string_view EncodingName() const { return big_ ? "skiplist" : "listpack"; }
  size_t memory_bytes() const;  // beyond this object itself

  // Adds the member or gives it another score.
  AddResult Add(double score, std::string_view member, const ZsetLimits& limits);
  // The same for a member that is known to be absent.
  void AddNew(double score, std::string_view member, const ZsetLimits& limits);
  bool Remove(std::string_view member);  // false when it was absent
  void RemoveRange(RankRange range);
  // Calls f(member, score) for up to `count` members from the lowest (kAscending) or the highest,
  // then removes them.
  template <class F>
  void Pop(Order end, size_t count, F&& f);

  std::optional<double> Score(std::string_view member) const;
  // Counted from the end that `order` starts at.
  std::optional<size_t> Rank(std::string_view member, Order order = Order::kAscending) const;

  RankRange AllRanks() const { return {0, size()}; }
  RankRange RanksIn(const ScoreRange& range) const;
  RankRange RanksIn(const LexRange& range) const;
  size_t CountIn(const ScoreRange& range) const { return RanksIn(range).count; }
  size_t CountIn(const LexRange& range) const { return RanksIn(range).count; }

  // Calls f(member, score) for each rank of the range, which must lie within the set.
  template <class F>
  void ForEachIn(RankRange range, Order order, F&& f) const;
  template <class F>
  void ForEach(F&& f) const {
    ForEachIn(AllRanks(), Order::kAscending, f);
  }
  // Calls f(member, score) for one member, uniformly chosen; for none when empty.
  template <class F>
  void RandomMember(Random& random, F&& f) const {
    if (!empty()) ForEachIn({random.Below(size()), 1}, Order::kAscending, f);
  }
  // Calls f(member, score) for about `count` members (all of a small set) and returns the next
  // cursor, 0 at the end. A member present from the first call to the last is visited at least
  // once.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const;

  // For persistence: the small form, null when the set has the other.
  const Listpack* AsListpack() const { return big_ ? nullptr : &compact_; }

  SortedSet Clone() const;
  // Frees up to *budget members and lowers *budget by their number (a node of the tree, or a small
  // set, counts as one); true when nothing is left. Once begun, only this and the destructor may be
  // called.
  bool FreeSome(size_t* budget);

 private:
  struct MemberPolicy {
    using Entry = ZsetMember;
    static uint64_t Hash(const Entry* entry) { return HashBytes(entry->name()); }
    static bool Equals(const Entry* entry, std::string_view key) { return entry->name() == key; }
  };
  struct Big {
    ~Big();
    void Insert(double score, std::string_view name, uint64_t hash);
    void Free(ZsetMember* member);
    bool FreeSome(size_t* budget);

    Table<MemberPolicy> members;
    ScoreTree order;
    size_t member_bytes = 0;
  };

  static double ScoreOf(const Element& element);
  void InsertInCompact(double score, std::string_view member);
  uint32_t PlaceInCompact(double score, std::string_view member) const;
  AddResult AddToBig(double score, std::string_view member);
  void MakeBig();
  template <class Before>
  size_t CountWhile(Before before) const;
  template <class Range, class Key>
  RankRange RanksBetween(const Range& range, Key key) const;
  template <class F>
  void ForEachInCompact(RankRange range, Order order, F&& f) const;

  Listpack compact_;          // empty when big_
  std::unique_ptr<Big> big_;  // null while small
};

template <class F>
void SortedSet::Pop(Order end, size_t count, F&& f) {
  RankRange range = AllRanks().Slice(0, count, end);
  ForEachIn(range, end, f);
  RemoveRange(range);
}

template <class F>
void SortedSet::ForEachIn(RankRange range, Order order, F&& f) const {
  if (range.count == 0) return;
  if (!big_) return ForEachInCompact(range, order, f);
  bool ascending = order == Order::kAscending;
  ScoreTree::Cursor cursor =
      big_->order.At(ascending ? range.first : range.first + range.count - 1);
  for (size_t i = 0; i < range.count; ++i) {
    f(cursor.entry().member->name(), cursor.entry().score);
    ascending ? cursor.Next() : cursor.Previous();
  }
}

template <class F>
void SortedSet::ForEachInCompact(RankRange range, Order order, F&& f) const {
  bool ascending = order == Order::kAscending;
  ElementScratch scratch;
  uint32_t pos = compact_.Seek(2 * (ascending ? range.first : range.first + range.count - 1));
  for (size_t left = range.count; left > 0; --left) {
    uint32_t score_pos = compact_.Next(pos);
    f(compact_.Get(pos).ToString(scratch), ScoreOf(compact_.Get(score_pos)));
    if (left > 1) pos = ascending ? compact_.Next(score_pos) : compact_.Prev(compact_.Prev(pos));
  }
}

template <class F>
uint64_t SortedSet::Scan(uint64_t cursor, size_t count, F&& f) const {
  if (big_) {
    return big_->members.Scan(cursor, count,
                              [&](const ZsetMember* member) { f(member->name(), member->score); });
  }
  ForEach(f);
  return 0;
}

}  // namespace kiln
