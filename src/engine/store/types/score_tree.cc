#include "engine/store/types/score_tree.h"

#include <cstring>

#include "base/check.h"
#include "base/memory.h"

namespace kiln {
namespace {

// A neighbour is worth filling only if the move buys several more inserts.
constexpr size_t WorthMoving(size_t capacity) {
  return capacity / 8;
}

// A node is merged once it is a quarter full, and only into one that keeps a quarter free, so that
// an insert after an erase doesn't split again what was just merged.
constexpr size_t TooSmall(size_t capacity) {
  return capacity / 4;
}
constexpr size_t MergedLimit(size_t capacity) {
  return capacity - capacity / 4;
}

template <class Slot>
void MoveSlots(Slot* to, const Slot* from, size_t count) {
  std::memmove(static_cast<void*>(to), from, count * sizeof(Slot));
}

// Moves the last `moved` slots of `left` to the front of `right`.
template <class N>
void MoveTailOf(N* left, N* right, size_t moved) {
  MoveSlots(right->slots + moved, right->slots, right->count);
  MoveSlots(right->slots, left->slots + left->count - moved, moved);
  left->count -= moved;
  right->count += moved;
}

// Moves the first `moved` slots of `right` to the end of `left`.
template <class N>
void MoveHeadOf(N* left, N* right, size_t moved) {
  MoveSlots(left->slots + left->count, right->slots, moved);
  MoveSlots(right->slots, right->slots + moved, right->count - moved);
  left->count += moved;
  right->count -= moved;
}

// A leaf that gave much away covers more scores than it should.
void RecodeAfterMove(ScoreLeaf* from, ScoreLeaf* to, size_t moved) {
  to->Recode();
  if (moved >= ScoreLeaf::kEntries / 4) from->Recode();
}

}  // namespace

ScoreTree::~ScoreTree() {
  size_t budget = SIZE_MAX;
  FreeSome(&budget);
}

ScoreTree::Leaf* ScoreTree::NewLeaf(Leaf* previous, Leaf* next) {
  auto* leaf = static_cast<Leaf*>(AllocateBytes(sizeof(Leaf)));
  leaf->count = 0;
  leaf->base = leaf->shift = 0;
  leaf->previous = previous;
  leaf->next = next;
  if (previous != nullptr) previous->next = leaf;
  if (next != nullptr) next->previous = leaf;
  memory_bytes_ += UsableBytes(leaf);
  return leaf;
}

ScoreTree::Inner* ScoreTree::NewInner() {
  auto* inner = static_cast<Inner*>(AllocateBytes(sizeof(Inner)));
  inner->count = 0;
  memory_bytes_ += UsableBytes(inner);
  return inner;
}

void ScoreTree::FreeNode(Node* node, int height) {
  if (height == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    if (leaf->previous != nullptr) leaf->previous->next = leaf->next;
    if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
  }
  memory_bytes_ -= UsableBytes(node);
  FreeBytes(node);
}

ScoreTree::Entry ScoreTree::FirstOf(const Node* node, int height) {
  return height == 0 ? static_cast<const Leaf*>(node)->entry(0)
                     : static_cast<const Inner*>(node)->slots[0].first;
}

ScoreTree::Entry ScoreTree::LastOf(const Node* node, int height) {
  return height == 0 ? static_cast<const Leaf*>(node)->entry(node->count - 1)
                     : static_cast<const Inner*>(node)->slots[node->count - 1].first;
}

size_t ScoreTree::ChildFor(const Inner* inner, const Entry& entry, std::string_view name) {
  const Child* children = inner->slots;
  auto begins_before = [&](const Child& child) { return IsBefore(child.first, entry.score, name); };
  return std::partition_point(children + 1, children + inner->count, begins_before) - children - 1;
}

// Moves the last `moved` slots of child `index` into the child after it; `height` is the
// children's.
void ScoreTree::MoveTail(Inner* parent, size_t index, int height, size_t moved) {
  Child& left = parent->slots[index];
  Child& right = parent->slots[index + 1];
  size_t entries = moved;
  if (height == 0) {
    MoveTailOf(static_cast<Leaf*>(left.node), static_cast<Leaf*>(right.node), moved);
    RecodeAfterMove(static_cast<Leaf*>(left.node), static_cast<Leaf*>(right.node), moved);
  } else {
    auto* from = static_cast<Inner*>(left.node);
    entries = 0;
    for (size_t i = from->count - moved; i < from->count; ++i) entries += from->slots[i].entries;
    MoveTailOf(from, static_cast<Inner*>(right.node), moved);
  }
  left.entries -= entries;
  right.entries += entries;
  right.first = FirstOf(right.node, height);
}

// Moves the first `moved` slots of child `index` + 1 into child `index`.
void ScoreTree::MoveHead(Inner* parent, size_t index, int height, size_t moved) {
  Child& left = parent->slots[index];
  Child& right = parent->slots[index + 1];
  size_t entries = moved;
  if (height == 0) {
    MoveHeadOf(static_cast<Leaf*>(left.node), static_cast<Leaf*>(right.node), moved);
    RecodeAfterMove(static_cast<Leaf*>(right.node), static_cast<Leaf*>(left.node), moved);
  } else {
    auto* from = static_cast<Inner*>(right.node);
    entries = 0;
    for (size_t i = 0; i < moved; ++i) entries += from->slots[i].entries;
    MoveHeadOf(static_cast<Inner*>(left.node), from, moved);
  }
  left.entries += entries;
  right.entries -= entries;
  if (right.node->count > 0) right.first = FirstOf(right.node, height);
}

// Child `index` is full: keeps its first `kept` slots and moves the others into a new child after
// it.
void ScoreTree::Split(Inner* parent, size_t index, int height, size_t kept) {
  Node* full = parent->slots[index].node;
  Node* fresh = nullptr;
  if (height == 0) {
    auto* leaf = static_cast<Leaf*>(full);
    fresh = NewLeaf(leaf, leaf->next);
  } else {
    fresh = NewInner();
  }
  MoveSlots(parent->slots + index + 2, parent->slots + index + 1, parent->count - index - 1);
  parent->slots[index + 1] = {{}, fresh, 0};
  ++parent->count;
  MoveTail(parent, index, height, full->count - kept);
}

// Child `index` is full: makes a place in it, or beside it, for `entry`. The parent has room for
// one more child.
void ScoreTree::MakeRoom(Inner* parent, size_t index, int height, const Entry& entry) {
  const size_t capacity = Capacity(height);
  auto room = [&](size_t i) { return capacity - parent->slots[i].node->count; };
  if (index > 0 && room(index - 1) >= WorthMoving(capacity)) {
    return MoveHead(parent, index - 1, height, (room(index - 1) + 1) / 2);
  }
  if (index + 1 < parent->count && room(index + 1) >= WorthMoving(capacity)) {
    return MoveTail(parent, index, height, (room(index + 1) + 1) / 2);
  }
  std::string_view name = entry.member->name();
  const Node* full = parent->slots[index].node;
  size_t kept = capacity / 2;
  if (index + 1 == parent->count && IsBefore(LastOf(full, height), entry.score, name)) {
    kept = capacity - 1;  // Inserts in rising order: the full node won't be needed again.
  } else if (index == 0 && !IsBefore(FirstOf(full, height), entry.score, name)) {
    kept = 1;  // Inserts in falling order.
  }
  Split(parent, index, height, kept);
}

// Goes down once: a full node is dealt with before it is entered, so its parent always has room for
// a split.
void ScoreTree::Insert(ZsetMember* member) {
  const Entry entry{member->score, member};
  const std::string_view name = member->name();
  if (root_ == nullptr) root_ = NewLeaf(nullptr, nullptr);
  if (root_->count == Capacity(height_)) {
    Inner* above = NewInner();
    above->slots[0] = {FirstOf(root_, height_), root_, size_};
    above->count = 1;
    root_ = above;
    ++height_;
  }
  Node* node = root_;
  for (int height = height_; height > 0; --height) {
    auto* inner = static_cast<Inner*>(node);
    size_t index = ChildFor(inner, entry, name);
    if (inner->slots[index].node->count == Capacity(height - 1)) {
      MakeRoom(inner, index, height - 1, entry);
      index = ChildFor(inner, entry, name);
    }
    Child& child = inner->slots[index];
    if (index == 0 && !IsBefore(child.first, entry.score, name)) child.first = entry;
    ++child.entries;
    node = child.node;
  }
  auto* leaf = static_cast<Leaf*>(node);
  leaf->Insert(leaf->PlaceOf(entry.score, name), member);
  ++size_;
}

size_t ScoreTree::RankOf(double score, std::string_view name) const {
  size_t rank = 0;
  const Leaf* leaf =
      LeafAt([&](const Entry& entry) { return IsBefore(entry, score, name); }, &rank);
  return leaf == nullptr ? 0 : rank + leaf->PlaceOf(score, name);
}

size_t ScoreTree::CountBelow(double score, bool or_at) const {
  size_t rank = 0;
  const Leaf* leaf =
      LeafAt([&](const Entry& entry) { return or_at ? entry.score <= score : entry.score < score; },
             &rank);
  return leaf == nullptr ? 0 : rank + leaf->CountBelow(score, or_at);
}

ScoreTree::Cursor ScoreTree::At(size_t rank) const {
  Cursor cursor;
  if (rank >= size_) return cursor;
  Node* node = root_;
  for (int height = height_; height > 0; --height) {
    const Child* child = static_cast<const Inner*>(node)->slots;
    for (; rank >= child->entries; ++child) rank -= child->entries;
    node = child->node;
  }
  cursor.leaf_ = static_cast<Leaf*>(node);
  cursor.index_ = rank;
  return cursor;
}

void ScoreTree::Erase(const ZsetMember* member) {
  ZsetMember* erased = nullptr;
  size_t taken = EraseRunAndTrim(RankOf(member->score, member->name()), 1, &erased);
  KILN_CHECK(taken == 1 && erased == member);
}

// Takes entries out of the one leaf that holds `rank`, at most `limit` of them, and puts their
// members into `erased`. Returns their number.
size_t ScoreTree::EraseRun(Node* node, int height, size_t rank, size_t limit, ZsetMember** erased) {
  if (height == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    uint64_t* first = leaf->slots + rank;
    size_t taken = std::min(limit, leaf->count - rank);
    for (size_t i = 0; i < taken; ++i) erased[i] = leaf->member(rank + i);
    MoveSlots(first, first + taken, leaf->count - rank - taken);
    leaf->count -= taken;
    return taken;
  }
  auto* inner = static_cast<Inner*>(node);
  size_t index = 0;
  for (; rank >= inner->slots[index].entries; ++index) rank -= inner->slots[index].entries;
  size_t taken = EraseRun(inner->slots[index].node, height - 1, rank, limit, erased);
  inner->slots[index].entries -= taken;
  Repair(inner, index, height - 1, rank == 0);
  return taken;
}

size_t ScoreTree::EraseRunAndTrim(size_t rank, size_t limit, ZsetMember** erased) {
  if (rank >= size_) return 0;
  size_t taken = EraseRun(root_, height_, rank, limit, erased);
  size_ -= taken;
  while (height_ > 0 && root_->count == 1) {
    Node* only = static_cast<Inner*>(root_)->slots[0].node;
    FreeNode(root_, height_--);
    root_ = only;
  }
  if (size_ == 0) {
    FreeNode(root_, height_);
    root_ = nullptr;
    height_ = 0;
  }
  return taken;
}

// Child `index` has lost slots: brings the parent's view of it up to date and merges it when it
// became small.
void ScoreTree::Repair(Inner* parent, size_t index, int height, bool first_went) {
  Child& child = parent->slots[index];
  if (child.node->count == 0) return RemoveChild(parent, index, height);
  if (first_went || height > 0) child.first = FirstOf(child.node, height);
  const size_t capacity = Capacity(height);
  if (child.node->count > TooSmall(capacity)) return;
  auto merges = [&](size_t left) {
    const Child* pair = parent->slots + left;
    return pair[0].node->count + pair[1].node->count <= MergedLimit(capacity);
  };
  if (index + 1 == parent->count || !merges(index)) {
    if (index == 0 || !merges(index - 1)) return;
    --index;
  }
  MoveHead(parent, index, height, parent->slots[index + 1].node->count);
  RemoveChild(parent, index + 1, height);
}

void ScoreTree::RemoveChild(Inner* parent, size_t index, int height) {
  FreeNode(parent->slots[index].node, height);
  MoveSlots(parent->slots + index, parent->slots + index + 1, parent->count - index - 1);
  --parent->count;
}

bool ScoreTree::FreeSome(size_t* budget) {
  for (; root_ != nullptr && *budget > 0; --*budget) {
    if (FreeLastLeaf(root_, height_)) root_ = nullptr;
  }
  return root_ == nullptr;
}

// True when the node itself is gone too. Going from the end, nothing has to be moved.
bool ScoreTree::FreeLastLeaf(Node* node, int height) {
  if (height > 0) {
    auto* inner = static_cast<Inner*>(node);
    if (FreeLastLeaf(inner->slots[inner->count - 1].node, height - 1)) --inner->count;
    if (inner->count > 0) return false;
  } else {
    size_ -= node->count;
  }
  FreeNode(node, height);
  return true;
}

}  // namespace kiln
