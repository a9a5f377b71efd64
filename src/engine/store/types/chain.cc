#include "engine/store/types/chain.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace kiln {
namespace {

// What is pushed or popped at the head moves the rest of its node, so a node is an eighth of what
// it may be by default. At half of this, 2% of the memory are nodes.
constexpr size_t kMaxNodeBytes = 1024;

}  // namespace

// Half the limit, so that a list at the limit does not change its form with every push and pop.
bool ListLimits::AllowCompacting(size_t bytes, size_t entries) const {
  return bytes <= MaxBytes() / 2 && entries <= MaxEntries() / 2;
}

size_t Chain::memory_bytes() const {
  size_t bytes = sizeof(*this) + chunks_.capacity() * sizeof(Chunk);
  for (const Chunk& chunk : chunks_) {
    bytes += chunk.nodes.capacity() * sizeof(Node);
    for (const Node& node : chunk.nodes) bytes += node.pack.memory_bytes();
  }
  return bytes;
}

ListCursor Chain::Seek(size_t index) const {
  if (index >= size_) return {};
  ListCursor at;
  if (index <= size_ / 2) {
    while (index >= chunks_[at.chunk].elements) index -= chunks_[at.chunk++].elements;
  } else {
    size_t first = size_;  // index of the chunk's first element
    at.chunk = chunks_.size();
    while (index < first) first -= chunks_[--at.chunk].elements;
    index -= first;
  }
  const std::vector<Node>& nodes = chunks_[at.chunk].nodes;
  while (index >= nodes[at.node].count) index -= nodes[at.node++].count;
  at.pos = nodes[at.node].pack.Seek(static_cast<int64_t>(index));
  return at;
}

ListCursor Chain::Next(ListCursor at) const {
  uint32_t pos = PackAt(at).Next(at.pos);
  if (pos == Listpack::kNone) return NextNode(at, End::kHead);
  at.pos = pos;
  return at;
}

ListCursor Chain::Outermost(End end) const {
  ListCursor at;
  if (size_ == 0) return at;
  if (end == End::kTail) {
    at.chunk = chunks_.size() - 1;
    at.node = chunks_.back().nodes.size() - 1;
  }
  at.pos = end == End::kHead ? PackAt(at).First() : PackAt(at).Last();
  return at;
}

ListCursor Chain::NextNode(ListCursor at, End from) const {
  if (from == End::kHead) {
    if (++at.node == chunks_[at.chunk].nodes.size()) {
      at.node = 0;
      if (++at.chunk == chunks_.size()) return {};
    }
    at.pos = PackAt(at).First();
  } else {
    if (at.node == 0) {
      if (at.chunk == 0) return {};
      at.node = chunks_[--at.chunk].nodes.size();
    }
    --at.node;
    at.pos = PackAt(at).Last();
  }
  return at;
}

ListCursor Chain::Find(const ListpackEntry& needle) const {
  ListCursor at = Outermost(End::kHead);
  for (; !at.IsEnd(); at = NextNode(at, End::kHead)) {
    uint32_t pos = PackAt(at).Find(needle, at.pos);
    if (pos != Listpack::kNone) return {at.chunk, at.node, pos};
  }
  return at;
}

// Inside a full node, the node is split at the place; at its edge, the node before may have room.
void Chain::InsertBefore(const ListCursor& at, const ListpackEntry& entry,
                         const ListLimits& limits) {
  if (!at.IsEnd()) {
    if (Fits(PackAt(at), entry, limits)) return InsertIntoNode(at, at.pos, entry);
    if (at.pos != PackAt(at).First()) return InsertBefore(SplitNode(at), entry, limits);
  }
  ListCursor before = at.IsEnd() ? Outermost(End::kTail) : NextNode(at, End::kTail);
  if (!before.IsEnd() && Fits(PackAt(before), entry, limits))
    return InsertIntoNode(before, Listpack::kNone, entry);
  Listpack pack;
  pack.PushBack(entry);
  at.IsEnd() ? AppendNode(std::move(pack)) : void(InsertNode(at, std::move(pack)));
}

void Chain::Replace(const ListCursor& at, const ListpackEntry& entry, const ListLimits& limits) {
  if (NodeAt(at).count == 1) {
    PackAt(at).Replace(at.pos, entry);
  } else {
    InsertBefore(Erase(at), entry, limits);
  }
}

// Returns the element that followed.
ListCursor Chain::Erase(ListCursor at) {
  at.pos = PackAt(at).Erase(at.pos);
  AddToCount(at, -1);
  if (PackAt(at).empty()) return EraseNode(at);
  return at.IsEnd() ? NextNode(at, End::kHead) : at;
}

void Chain::EraseMatches(const ListpackEntry& needle, size_t limit, End from) {
  ListCursor at = Outermost(from);
  while (!at.IsEnd() && limit > 0) {
    Listpack& pack = PackAt(at);
    size_t here = kiln::EraseMatches(pack, needle, limit, from);
    limit -= here;
    AddToCount(at, -static_cast<int64_t>(here));
    if (!pack.empty()) {
      at = NextNode(at, from);
      continue;
    }
    at = EraseNode(at);
    if (from == End::kTail) at = at.IsEnd() ? Outermost(End::kTail) : NextNode(at, End::kTail);
  }
}

void Chain::AppendNode(Listpack pack) {
  if (chunks_.empty() || chunks_.back().nodes.size() == kMaxChunkNodes) chunks_.emplace_back();
  Chunk& chunk = chunks_.back();
  auto count = static_cast<uint32_t>(pack.size());
  chunk.nodes.push_back({std::move(pack), count});
  chunk.elements += count;
  size_ += count;
}

void Chain::PrependNode(Listpack pack) {
  if (chunks_.empty() || chunks_[0].nodes.size() == kMaxChunkNodes) {
    chunks_.insert(chunks_.begin(), Chunk{});
  }
  InsertNode({}, std::move(pack));
}

Listpack Chain::Take(End end) {
  KILN_DCHECK(size_ > 0);
  ListCursor at = Outermost(end);
  Listpack pack = std::move(PackAt(at));
  AddToCount(at, -static_cast<int64_t>(NodeAt(at).count));
  EraseNode(at);
  return pack;
}

Chain Chain::Clone() const {
  Chain copy;
  copy.chunks_.reserve(chunks_.size());
  for (const Chunk& chunk : chunks_) {
    Chunk& to = copy.chunks_.emplace_back();
    to.nodes.reserve(chunk.nodes.size());
    for (const Node& node : chunk.nodes) to.nodes.push_back({node.pack.Clone(), node.count});
    to.elements = chunk.elements;
  }
  copy.size_ = size_;
  return copy;
}

bool Chain::FreeSome(size_t* budget) {
  while (*budget > 0 && !chunks_.empty()) {
    Chunk& chunk = chunks_.back();
    size_t count = chunk.nodes.back().count;
    chunk.nodes.pop_back();
    chunk.elements -= count;
    size_ -= count;
    *budget -= std::min(*budget, count);
    if (chunk.nodes.empty()) chunks_.pop_back();
  }
  return chunks_.empty();
}

bool Chain::Fits(const Listpack& pack, const ListpackEntry& entry, const ListLimits& limits) {
  size_t bytes = pack.byte_size() + entry.bytes();
  // Every limit in bytes allows this much.
  return bytes <= kMaxNodeBytes &&
         (limits.max_listpack_size < 0 || limits.Allow(bytes, pack.size() + 1));
}

Listpack Chain::NewNode(End end, const ListpackEntry& entry, const ListLimits& limits) {
  Listpack pack;
  pack.Start(entry, limits.MaxEntries() == SIZE_MAX ? kMaxNodeBytes : 0,
             end == End::kHead ? Listpack::Grows::kAtHead : Listpack::Grows::kAtTail);
  return pack;
}

void Chain::AddToCount(const ListCursor& at, int64_t delta) {
  NodeAt(at).count += delta;
  chunks_[at.chunk].elements += delta;
  size_ += delta;
}

void Chain::InsertIntoNode(const ListCursor& at, uint32_t pos, const ListpackEntry& entry) {
  NodeAt(at).pack.InsertBefore(pos, entry);
  AddToCount(at, 1);
}

// Inserts a node before the one named, which may be one past its chunk's last; returns where it
// came to lie.
ListCursor Chain::InsertNode(ListCursor at, Listpack pack) {
  constexpr uint32_t kHalf = kMaxChunkNodes / 2;
  if (chunks_[at.chunk].nodes.size() == kMaxChunkNodes) {
    SplitChunk(at.chunk);
    if (at.node > kHalf) at = {at.chunk + 1, at.node - kHalf};
  }
  at.pos = pack.First();
  auto count = static_cast<uint32_t>(pack.size());
  std::vector<Node>& nodes = chunks_[at.chunk].nodes;
  nodes.insert(nodes.begin() + at.node, {std::move(pack), 0});
  AddToCount(at, count);
  return at;
}

// Moves the elements from `at` on into a node of their own; returns the first of them.
ListCursor Chain::SplitNode(const ListCursor& at) {
  Listpack rest = NodeAt(at).pack.SplitOff(at.pos);
  AddToCount(at, -static_cast<int64_t>(rest.size()));
  return InsertNode({at.chunk, at.node + 1}, std::move(rest));
}

void Chain::SplitChunk(uint32_t chunk) {
  chunks_.insert(chunks_.begin() + chunk + 1, Chunk{});
  Chunk& left = chunks_[chunk];
  Chunk& right = chunks_[chunk + 1];
  auto half = left.nodes.begin() + kMaxChunkNodes / 2;
  right.nodes.assign(std::make_move_iterator(half), std::make_move_iterator(left.nodes.end()));
  left.nodes.erase(half, left.nodes.end());
  for (const Node& node : right.nodes) right.elements += node.count;
  left.elements -= right.elements;
}

// Takes out a node whose elements are no longer counted; returns the first element of the one that
// followed.
ListCursor Chain::EraseNode(ListCursor at) {
  std::vector<Node>& nodes = chunks_[at.chunk].nodes;
  nodes.erase(nodes.begin() + at.node);
  if (nodes.empty()) {
    chunks_.erase(chunks_.begin() + at.chunk);
    at.node = 0;
  } else if (at.node == nodes.size()) {
    at = {at.chunk + 1, 0};
  }
  if (at.chunk == chunks_.size()) return {};
  at.pos = PackAt(at).First();
  return at;
}

size_t EraseMatches(Listpack& pack, const ListpackEntry& needle, size_t limit, End from) {
  size_t erased = 0;
  if (from == End::kHead) {
    uint32_t pos = pack.Find(needle, pack.First());
    for (; pos != Listpack::kNone && erased < limit; ++erased) {
      pos = pack.Find(needle, pack.Erase(pos));
    }
    return erased;
  }
  for (uint32_t pos = pack.Last(); pos != Listpack::kNone && erased < limit;) {
    uint32_t before = pack.Prev(pos);  // erasing what lies behind it does not move it
    if (pack.Matches(pos, needle)) {
      pack.Erase(pos);
      ++erased;
    }
    pos = before;
  }
  return erased;
}

}  // namespace kiln
