// Chain: the elements of a long list, as listpacks of a few KiB each. The scalable form of List.
//
// Listpacks ("nodes") lie in chunks of up to 64 beside their element counts, so finding an index
// among ten million elements of 100 bytes reads about two thousand chunk sums and 64 counts, and
// inserting a node moves at most 64. Rejected: a linked list of nodes. An index walk over it misses
// the cache at every node.
//
// An element that is larger than a node may be gets a node of its own.
// Invariants: no node and no chunk is empty; the counts agree with the listpacks.
// Thread safety: none. A cursor is good until the next change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/store/types/listpack.h"

namespace kiln {

enum class End : uint8_t { kHead, kTail };

// The parameter list-max-listpack-size: -1 to -5 allow 4, 8, 16, 32 and 64 KiB a node; n > 0 allows
// n entries (and 8 KiB).
struct ListLimits {
  int64_t max_listpack_size = -2;

  size_t MaxBytes() const;    // SIZE_MAX when the limit is a number of entries
  size_t MaxEntries() const;  // SIZE_MAX when the limit is a size
  bool Allow(size_t bytes, size_t entries) const;
  // Whether a list that shrank to this may become a single listpack again.
  bool AllowCompacting(size_t bytes, size_t entries) const;
};

// One element: the node it lies in and its position there; kNone means past the end.
struct ListCursor {
  uint32_t chunk = 0;
  uint32_t node = 0;
  uint32_t pos = Listpack::kNone;

  bool IsEnd() const { return pos == Listpack::kNone; }
};

class Chain {
 public:
  size_t size() const { return size_; }
  bool HasOneNode() const { return chunks_.size() == 1 && chunks_[0].nodes.size() == 1; }
  const Listpack& PackAt(const ListCursor& at) const { return NodeAt(at).pack; }
  size_t memory_bytes() const;

  ListCursor Seek(size_t index) const;
  ListCursor Next(ListCursor at) const;
  // The first element of the first node, or the last of the last.
  ListCursor Outermost(End end) const;
  // The first element of the following node, or the last of the one before when going from the
  // tail.
  ListCursor NextNode(ListCursor at, End from) const;

  void Push(End end, const ListpackEntry& entry, const ListLimits& limits);
  // Before the end cursor means at the tail.
  void InsertBefore(const ListCursor& at, const ListpackEntry& entry, const ListLimits& limits);
  void Replace(const ListCursor& at, const ListpackEntry& entry, const ListLimits& limits);
  // Returns the element that followed.
  ListCursor Erase(const ListCursor& at);
  // Erases up to `limit` elements that equal the needle, the ones nearest to `from` first; returns
  // how many.
  size_t EraseMatches(const ListpackEntry& needle, size_t limit, End from);
  // Erases `count` elements at one end; there must be as many.
  void Drop(End end, size_t count);

  void AppendNode(Listpack pack);
  Listpack TakeOnlyNode();
  Chain Clone() const;
  // Frees nodes with about *budget elements, which it lowers; true when nothing is left.
  bool FreeSome(size_t* budget);

 private:
  struct Node {
    Listpack pack;
    uint32_t count;
  };
  struct Chunk {
    std::vector<Node> nodes;
    size_t elements = 0;
  };

  static constexpr size_t kMaxChunkNodes = 64;

  Node& NodeAt(const ListCursor& at) { return chunks_[at.chunk].nodes[at.node]; }
  const Node& NodeAt(const ListCursor& at) const { return chunks_[at.chunk].nodes[at.node]; }
  static bool Fits(const Node& node, const ListpackEntry& entry, const ListLimits& limits);
  void AddToCount(const ListCursor& at, int64_t delta);
  void InsertIntoNode(const ListCursor& at, uint32_t pos, const ListpackEntry& entry);
  void PrependNode(Listpack pack);
  ListCursor InsertNode(ListCursor at, Listpack pack);
  ListCursor SplitNode(const ListCursor& at);
  void SplitChunk(uint32_t chunk);
  ListCursor EraseNode(ListCursor at);
  ListCursor EraseInNode(ListCursor at, size_t count);

  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

// Erases up to `limit` entries that equal the needle, the ones nearest to `from` first; returns how
// many.
size_t EraseMatches(Listpack& pack, const ListpackEntry& needle, size_t limit, End from);

}  // namespace kiln
