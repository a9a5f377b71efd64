// A cut: all records of all databases as they are at one moment, given out while commands go on
// changing them, without a fork and without a pause.
//
// Beginning takes the Gate for microseconds. From then on a walker comes past every record once, a
// few at a time, each time under one shard's lock; and whoever is about to change a record that the
// walker has not met yet (Db does, before any change) writes it down first. So what comes out is
// the state at the beginning, in any order, each record once, and memory holds no more than what
// has not been taken yet.
//
// How it is known which records were met: each has a mark in its table slot (table/table.h). A cut
// flips what the mark should be; meeting a record flips its own; and new records come with the mark
// of the moment. At the end all have the same again, which is why a cut that is abandoned still
// walks to its end, writing nothing.
//
// A big value is written in pieces, between which its shard's lock is let go. Whoever wants to
// change it meanwhile writes the rest of it at once.
//
// One cut at a time. Thread safety: said at each function.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/store/keyspace.h"

namespace kiln {

// A big value that is being written. Its calls are made under the shard's lock, and between them
// the value does not change; its record may move, unless it is a string.
class CutEntry {
 public:
  virtual ~CutEntry() = default;
  // Appends about `budget_bytes`; true when that was the rest.
  virtual bool WriteSome(std::string* out, size_t budget_bytes) = 0;
};

// The form in which records come out. Called under the record's shard lock, by several threads at
// once.
class CutWriter {
 public:
  virtual void Write(const Record* record, std::string* out) = 0;
  // For a record that is better written in pieces; null: Write it.
  virtual std::unique_ptr<CutEntry> Begin(const Record* record) = 0;

 protected:
  ~CutWriter() = default;
};

// Some records of one database, in the writer's form. Chunks are to be written in the order in
// which they come: one that goes on with a big value begins in its middle.
struct CutChunk {
  int db = -1;
  std::string bytes;
  bool goes_on = false;
};

class Cut {
 public:
  // Exclusive. The writer must outlive the cut's end.
  Cut(Keyspace& keyspace, CutWriter& writer);
  // Exclusive, after Next said that all is done.
  ~Cut();
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;

  // For the one thread that walks: appends what comes next, all of one database, to *chunk, whose
  // bytes it may have kept from before; false when there is no more. Takes shard locks.
  bool Next(CutChunk* chunk);

  // For tests, before the walk: each chunk has one key (of those met by the walker), if it can be.
  void GoByKeys() { chunk_bytes_ = 1; }

  // Under the key's shard lock, before its record changes or goes.
  void BeforeChange(int db, const Key& key);
  // Nothing more will be written. Any thread that holds the Gate alone, or the one that walks.
  void Abandon() { is_abandoned_.store(true, std::memory_order_relaxed); }
  bool is_abandoned() const { return is_abandoned_.load(std::memory_order_relaxed); }

  // Of the beginning: how many keys, and how many of them with a TTL, a database had.
  struct Size {
    size_t keys = 0;
    size_t volatile_keys = 0;
  };
  const std::vector<Size>& sizes() const { return sizes_; }
  size_t keys() const { return keys_; }
  // How many were written. Any thread.
  size_t keys_done() const { return keys_done_.load(std::memory_order_relaxed); }

 private:
  bool TakeAhead(CutChunk* chunk);
  // The next piece of the big value.
  void TakePiece(CutChunk* chunk);
  // True when the shard's part of the database is done.
  bool WalkSlice(int db, size_t shard, std::string* out);

  Keyspace& keyspace_;
  CutWriter& writer_;
  const uint64_t mark_;
  std::vector<Size> sizes_;
  size_t keys_ = 0;
  std::atomic<size_t> keys_done_{0};
  std::atomic<bool> is_abandoned_{false};

  static constexpr size_t kFullChunkBytes = size_t{256} << 10;

  // The walker's.
  size_t chunk_bytes_ = kFullChunkBytes;
  int db_ = 0;
  size_t shard_ = 0;
  uint64_t position_ = 0;

  // The big value that the walker is at. Its shard's lock protects all but the number of the shard.
  struct Big {
    int db = 0;
    std::string key;
    std::unique_ptr<CutEntry> entry;  // null when it is all written
    std::string rest;                 // by whoever wanted to change it
  };
  static constexpr size_t kNoShard = ~size_t{0};
  std::atomic<size_t> big_shard_{kNoShard};  // changed by the walker
  Big big_;

  // What was written ahead of the walker.
  std::mutex mutex_;
  std::vector<CutChunk> ahead_;
};

}  // namespace kiln
