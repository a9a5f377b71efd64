// The order of a big sorted set: a B+ tree of (score, member) with the number of entries under
// every child.
//
// A leaf (score_leaf.h) holds up to 123 entries of 8 bytes, an inner node up to 31 children; both
// fill a 1 KiB block. So a set of two million members is four levels deep, ranks and lower bounds
// cost a few cache misses, and no change moves more than three nodes' worth of bytes. A full node
// first gives entries to a neighbour with room and splits only when both are nearly full; at either
// end of the tree it splits unevenly. Nodes therefore stay about 85% full for random inserts and
// 98% for ordered ones. Rejected: a skip list with spans, as Redis has. It needs 30 to 40 bytes an
// entry and a cache miss for each hop.
//
// The tree owns its nodes, not the members. A member must stay where it is, and keep its score,
// while it is in here. Order: score as doubles compare (no NaN may enter), then bytes as memcmp,
// then length. Thread safety: none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/store/types/score_leaf.h"

namespace kiln {

class ScoreTree {
 public:
  using Entry = ScoreEntry;

  static constexpr size_t kLeafEntries = ScoreLeaf::kEntries;
  static constexpr size_t kInnerChildren = 31;

 private:
  using Node = ScoreNode;
  using Leaf = ScoreLeaf;
  struct Child {
    Entry first;     // the smallest entry under `node`, always exact
    Node* node;      // a Leaf where the tree's height says so, else an Inner
    size_t entries;  // how many entries are under `node`
  };
  struct Inner : Node {
    Child slots[kInnerChildren];
  };

 public:
  // A place in the order. Any change of the tree makes it invalid.
  class Cursor {
   public:
    bool AtEnd() const { return leaf_ == nullptr; }
    Entry entry() const { return leaf_->entry(index_); }
    void Next() {
      if (++index_ == leaf_->count) leaf_ = leaf_->next, index_ = 0;
    }
    void Previous() {
      if (index_-- > 0) return;
      leaf_ = leaf_->previous;
      if (leaf_ != nullptr) index_ = leaf_->count - 1;
    }

   private:
    friend class ScoreTree;
    Leaf* leaf_ = nullptr;
    size_t index_ = 0;
  };

  ScoreTree() = default;
  ScoreTree(const ScoreTree&) = delete;
  ScoreTree& operator=(const ScoreTree&) = delete;
  ~ScoreTree();

  size_t size() const { return size_; }
  size_t memory_bytes() const { return memory_bytes_; }  // nodes only

  // The member must not be in the tree.
  void Insert(ZsetMember* member);
  // The member must be in the tree.
  void Erase(const ZsetMember* member);
  // Calls erased(ZsetMember*) for each entry it takes out, in order; the callee may free the
  // member.
  template <class F>
  void EraseRange(size_t rank, size_t count, F&& erased);

  // The number of leading entries for which before(entry) holds; it must hold for a prefix of the
  // order.
  template <class Before>
  size_t CountWhile(Before&& before) const;
  // The number of entries with a lower score, or, with `or_at`, no higher one.
  size_t CountBelow(double score, bool or_at) const;
  // The number of entries that come before this one, which need not be in the tree.
  size_t RankOf(double score, std::string_view name) const;
  // At the end when rank >= size().
  Cursor At(size_t rank) const;

  // Frees up to *budget leaves and lowers *budget by their number; true when nothing is left. Once
  // begun, only this and the destructor may be called.
  bool FreeSome(size_t* budget);

 private:
  static size_t Capacity(int height) { return height == 0 ? kLeafEntries : kInnerChildren; }
  static Entry FirstOf(const Node* node, int height);
  // Of an inner node: the first entry of its last child.
  static Entry LastOf(const Node* node, int height);
  static size_t ChildFor(const Inner* inner, const Entry& entry, std::string_view name);
  static void MoveTail(Inner* parent, size_t index, int height, size_t moved);
  static void MoveHead(Inner* parent, size_t index, int height, size_t moved);

  Leaf* NewLeaf(Leaf* previous, Leaf* next);
  Inner* NewInner();
  void FreeNode(Node* node, int height);

  void MakeRoom(Inner* parent, size_t index, int height, const Entry& entry);
  void Split(Inner* parent, size_t index, int height, size_t kept);
  size_t EraseRun(Node* node, int height, size_t rank, size_t limit, ZsetMember** erased);
  size_t EraseRunAndTrim(size_t rank, size_t limit, ZsetMember** erased);
  void Repair(Inner* parent, size_t index, int height, bool first_went);
  void RemoveChild(Inner* parent, size_t index, int height);
  bool FreeLastLeaf(Node* node, int height);
  // The leaf in which the leading entries for which before(entry) holds end, going down by the
  // first entries of nodes; null in an empty tree. Adds what comes before that leaf to *rank.
  template <class Before>
  const Leaf* LeafAt(Before&& before, size_t* rank) const;

  Node* root_ = nullptr;
  size_t size_ = 0;
  size_t memory_bytes_ = 0;
  int height_ = 0;  // of the root; leaves have height 0
};

template <class F>
void ScoreTree::EraseRange(size_t rank, size_t count, F&& erased) {
  ZsetMember* run[kLeafEntries];
  while (count > 0 && rank < size_) {
    size_t taken = EraseRunAndTrim(rank, count, run);
    for (size_t i = 0; i < taken; ++i) erased(run[i]);
    count -= taken;
  }
}

template <class Before>
const ScoreTree::Leaf* ScoreTree::LeafAt(Before&& before, size_t* rank) const {
  const Node* node = root_;
  for (int height = height_; height > 0; --height) {
    const Child* children = static_cast<const Inner*>(node)->slots;
    // The boundary lies in the last child that begins before it; the first child needs no test.
    const Child* child = std::partition_point(children + 1, children + node->count,
                                              [&](const Child& c) { return before(c.first); }) -
                         1;
    for (const Child* left = children; left < child; ++left) *rank += left->entries;
    node = child->node;
  }
  return static_cast<const Leaf*>(node);
}

template <class Before>
size_t ScoreTree::CountWhile(Before&& before) const {
  size_t rank = 0;
  const Leaf* leaf = LeafAt(before, &rank);
  return leaf == nullptr ? 0 : rank + leaf->CountWhile(before);
}

}  // namespace kiln
