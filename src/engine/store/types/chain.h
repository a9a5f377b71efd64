// Chain: the elements of a long list, as listpacks of a few KiB each; but for those at its ends,
// which List itself keeps at hand.
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

#include <algorithm>
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

  // SIZE_MAX when the limit is a number of entries.
  size_t MaxBytes() const {
    if (max_listpack_size >= 0) return SIZE_MAX;
    return size_t{2048} << -std::max<int64_t>(max_listpack_size, -5);
  }
  // SIZE_MAX when the limit is a size.
  size_t MaxEntries() const {
    if (max_listpack_size < 0) return SIZE_MAX;
    return std::max<int64_t>(max_listpack_size, 1);
  }
  bool Allow(size_t bytes, size_t entries) const {
    constexpr size_t kMaxBytesUnderEntryLimit = 8192;
    size_t max_bytes = max_listpack_size < 0 ? MaxBytes() : kMaxBytesUnderEntryLimit;
    return bytes <= max_bytes && entries <= MaxEntries();
  }
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
  size_t node_count() const {
    size_t nodes = 0;
    for (const Chunk& chunk : chunks_) nodes += chunk.nodes.size();
    return nodes;
  }
  // Who changes it must leave as many elements there.
  Listpack& PackAt(const ListCursor& at) { return NodeAt(at).pack; }
  const Listpack& PackAt(const ListCursor& at) const { return NodeAt(at).pack; }
  size_t memory_bytes() const;

  ListCursor Seek(size_t index) const;
  ListCursor Next(ListCursor at) const;
  // The first element of the first node, or the last of the last.
  ListCursor Outermost(End end) const;
  // The first element of the following node, or the last of the one before when going from the
  // tail.
  ListCursor NextNode(ListCursor at, End from) const;

  // The first match, or the end.
  ListCursor Find(const ListpackEntry& needle) const;

  // Before the end cursor means at the tail.
  void InsertBefore(const ListCursor& at, const ListpackEntry& entry, const ListLimits& limits);
  void Replace(const ListCursor& at, const ListpackEntry& entry, const ListLimits& limits);
  // Erases up to `limit` elements that equal the needle, the ones nearest to `from` first.
  void EraseMatches(const ListpackEntry& needle, size_t limit, End from);

  void PrependNode(Listpack pack);
  void AppendNode(Listpack pack);
  // Takes a node out at one end; there must be one.
  Listpack Take(End end);
  // Whether an entry may join those of a node, and a node for one that may not.
  static bool Fits(const Listpack& pack, const ListpackEntry& entry, const ListLimits& limits);
  static Listpack NewNode(End end, const ListpackEntry& entry, const ListLimits& limits);
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
  void AddToCount(const ListCursor& at, int64_t delta);
  void InsertIntoNode(const ListCursor& at, uint32_t pos, const ListpackEntry& entry);
  ListCursor InsertNode(ListCursor at, Listpack pack);
  ListCursor SplitNode(const ListCursor& at);
  void SplitChunk(uint32_t chunk);
  ListCursor EraseNode(ListCursor at);
  ListCursor Erase(ListCursor at);

  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

// Erases up to `limit` entries that equal the needle, the ones nearest to `from` first; returns how
// many.
size_t EraseMatches(Listpack& pack, const ListpackEntry& needle, size_t limit, End from);

}  // namespace kiln
