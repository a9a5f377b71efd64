// List: the value of a Redis list. A short one is a single listpack; a long one is many, of which
// the first and the last, where lists are pushed to and popped from, hang off the list itself and
// the others lie in a Chain.
//
// When a list changes its form follows Redis 7.2, because OBJECT ENCODING shows it: it becomes long
// ("quicklist") when a growth would pass the limits, and a listpack again when one node at half the
// limits is left. Elements are at most 4 GiB less 64 KiB; callers refuse larger ones.
//
// Thread safety: none. Elements given to visitors are valid until the next change, and a visitor
// must not change the list; texts passed in must not lie inside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/store/types/chain.h"

namespace kiln {

enum class Side : uint8_t { kBefore, kAfter };

// `count` elements from `first` on.
struct ListSlice {
  size_t first = 0;
  size_t count = 0;
};

// What LPOS asks for. A negative rank counts matches from the tail; 0 means no limit.
struct PositionQuery {
  int64_t rank = 1;
  size_t max_found = 1;
  size_t max_compared = 0;
};

class List {
 public:
  List() = default;
  List Clone() const;

  size_t size() const { return rest_ ? rest_->size : head_.size(); }
  size_t memory_bytes() const;  // beyond this object itself; O(nodes)
  std::string_view EncodingName() const { return rest_ ? "quicklist" : "listpack"; }

  // What Redis's start and stop indices (inclusive, negative from the tail) select among `size`
  // elements.
  static ListSlice Resolve(int64_t start, int64_t stop, size_t size);

  // Says that texts of `bytes` in all are about to be added, for the one decision of a command that
  // adds many; then Add adds each. Their plain lengths are what Redis compares with the limits.
  void PrepareGrowth(size_t bytes, size_t count, const ListLimits& limits) {
    if (!rest_ && !limits.Allow(head_.byte_size() + bytes, head_.size() + count)) BecomeLong();
  }
  void Add(End end, std::string_view text, const ListLimits& limits) {
    ListpackEntry entry(text);
    rest_ ? AddToLong(end, entry, limits) : AddTo(head_, end, entry);
  }
  void Push(End end, std::string_view text, const ListLimits& limits) {
    PrepareGrowth(text.size(), 1, limits);
    Add(end, text, limits);
  }
  void PushHead(std::string_view text, const ListLimits& limits) { Push(End::kHead, text, limits); }
  void PushTail(std::string_view text, const ListLimits& limits) { Push(End::kTail, text, limits); }

  // Gives the outermost element to f(const Element&) and erases it; false when the list is empty.
  template <class F>
  bool Pop(End end, const ListLimits& limits, F&& f) {
    Listpack& pack = EndPack(end);
    if (pack.empty()) return false;
    uint32_t pos = end == End::kHead ? pack.First() : pack.Last();
    f(pack.Get(pos));
    pack.Erase(pos);
    if (rest_) DropFromLong(1, limits);
    return true;
  }

  // Negative indices count from the tail. Null or false when there is no such element.
  std::optional<Element> Index(int64_t index) const;
  bool Set(int64_t index, std::string_view text, const ListLimits& limits);
  // False when there is no pivot.
  bool Insert(Side side, std::string_view pivot, std::string_view text, const ListLimits& limits);
  // Removes elements equal to `text`: all for 0, up to n from the head for n, up to n from the tail
  // for -n.
  size_t Remove(int64_t count, std::string_view text, const ListLimits& limits);
  // Erases up to `count` elements at one end.
  void Drop(End end, size_t count, const ListLimits& limits);
  // Keeps only the slice.
  void Trim(ListSlice slice, const ListLimits& limits);

  // Calls f(const Element&) for the elements of a slice; from the tail, the slice counts from the
  // tail too.
  template <class F>
  void ForEach(ListSlice slice, F&& f, End from = End::kHead) const;
  template <class F>
  void ForEach(F&& f) const {
    ForEach({0, size()}, f);
  }
  // Indices (from the head) of the elements equal to `text`.
  std::vector<size_t> Positions(std::string_view text, const PositionQuery& query) const;

  // For persistence: the listpacks in order, and the way back.
  template <class F>
  void ForEachListpack(F&& f) const {
    for (ListCursor at = Outermost(End::kHead); !at.IsEnd(); at = NextNode(at, End::kHead)) {
      f(PackAt(at));
    }
  }
  void AppendListpack(Listpack pack, const ListLimits& limits);
  // The same one by one; the end cursor comes after the last.
  size_t ListpackCount() const;
  ListCursor FirstListpack() const { return Outermost(End::kHead); }
  ListCursor ListpackAfter(const ListCursor& at) const { return NextNode(at, End::kHead); }
  const Listpack& ListpackAt(const ListCursor& at) const { return PackAt(at); }

  // Asks for what a push or pop at the head touches beyond this object.
  void PrefetchHead() const {
    head_.PrefetchHead();
    Prefetch(rest_.get());
  }

  // Frees about *budget elements, which it lowers; true when nothing is left.
  bool FreeSome(size_t* budget);

 private:
  // What a long list has beside its first node.
  struct Rest {
    Listpack tail;    // the last node, unless the first is the only one
    size_t size = 0;  // of the whole list
    Chain between;    // empty when there is no tail
  };
  // Cursors name the nodes that are not in the chain by these chunks.
  static constexpr uint32_t kHeadChunk = UINT32_MAX;
  static constexpr uint32_t kTailChunk = UINT32_MAX - 1;

  Listpack& PackAt(const ListCursor& at) {
    if (at.chunk == kHeadChunk) return head_;
    return at.chunk == kTailChunk ? rest_->tail : rest_->between.PackAt(at);
  }
  const Listpack& PackAt(const ListCursor& at) const { return const_cast<List*>(this)->PackAt(at); }
  Listpack& EndPack(End end) {
    return end == End::kTail && rest_ && !rest_->tail.empty() ? rest_->tail : head_;
  }
  ListCursor Outermost(End end) const;
  ListCursor NextNode(const ListCursor& at, End from) const;
  ListCursor Seek(size_t index) const;

  static void AddTo(Listpack& pack, End end, const ListpackEntry& entry) {
    end == End::kHead ? pack.PushFront(entry) : pack.PushBack(entry);
  }
  void AddToLong(End end, const ListpackEntry& entry, const ListLimits& limits);
  void DropFromLong(size_t count, const ListLimits& limits);
  void AppendNode(Listpack pack);
  void FillEnds();
  template <class F>
  void InChain(F&& f);
  void BecomeLong();
  void CompactIfSmall(const ListLimits& limits);

  Listpack head_;  // the first node; empty when the list is
  std::unique_ptr<Rest> rest_;
};

template <class F>
void List::ForEach(ListSlice slice, F&& f, End from) const {
  size_t total = size();
  if (slice.first >= total) return;
  ListCursor at = Seek(from == End::kHead ? slice.first : total - 1 - slice.first);
  size_t left = slice.count;
  for (; left > 0 && !at.IsEnd(); at = NextNode(at, from)) {
    const Listpack& pack = PackAt(at);
    for (uint32_t pos = at.pos; left > 0 && pos != Listpack::kNone; --left) {
      f(pack.Get(pos));
      pos = from == End::kHead ? pack.Next(pos) : pack.Prev(pos);
    }
  }
}

}  // namespace kiln
