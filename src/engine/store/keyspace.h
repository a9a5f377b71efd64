// The keyspace: 1,024 shards by the top bits of a key's hash, each with its part of every database.
//
// Thread safety: shard i's lock protects Shard i and DbShard(db, i) for all db. Functions marked
// "exclusive" need the Gate alone instead.
#pragma once

#include <memory>
#include <vector>

#include "engine/store/shard.h"
#include "engine/store/store_context.h"

namespace kiln {

class Cut;

class Keyspace {
 public:
  explicit Keyspace(int databases);

  int databases() const { return static_cast<int>(tables_.size()); }
  Shard& shard(size_t index) { return shards_[index]; }
  DbShard& table(int db, size_t shard) { return tables_[static_cast<size_t>(db)][shard]; }
  const DbShard& table(int db, size_t shard) const {
    return tables_[static_cast<size_t>(db)][shard];
  }

  // Exclusive: the number of keys, of keys with a TTL, of both over all databases.
  size_t KeyCount(int db) const;
  size_t VolatileCount(int db) const;
  // Exclusive: sets a database's contents aside to be freed in slices (or at once); returns how
  // many keys it had. A cut is abandoned, by this and by the next.
  size_t Flush(int db, bool at_once, StoreContext& context);
  // Exclusive: the two databases trade contents.
  void SwapDatabases(int a, int b);
  // Exclusive, for both: trades all that is stored with another keyspace of as many databases. Who
  // watches and who waits stays. There must be no cut.
  void SwapContents(Keyspace& other);
  // For one that nobody else uses any more: frees all that is stored.
  void Clear(StoreContext& context);
  // Frees at most *budget flushed records of a shard, whose lock the caller holds; true when none
  // are left.
  bool FreeFlushed(size_t shard, size_t* budget, StoreContext& context);

  // Removes what is due in a shard, whose lock the caller holds, at most *budget index entries;
  // true when done.
  bool ExpireDue(size_t shard, size_t* budget, StoreContext& context);
  // Whether workers remove due keys by themselves, as they do unless a test says no; due keys that
  // are looked at go anyway.
  bool expires_actively() const { return expires_actively_.load(std::memory_order_relaxed); }
  void set_expires_actively(bool on) { expires_actively_.store(on, std::memory_order_relaxed); }
  // Whether any shard has flushed records left. No lock needed.
  bool HasFlushed() const { return flushed_tables_.load(std::memory_order_relaxed) > 0; }

  // The cut that is being taken, or null. Set under the Gate.
  Cut* cut() const { return cut_; }
  void set_cut(Cut* cut) { cut_ = cut; }

  // Memory of a record and of what hangs off it.
  Record* AllocateRecord(size_t shard, const RecordShape& shape, std::string_view key,
                         size_t spare_bytes);
  void FreeRecordMemory(size_t shard, Record* record);
  // Frees the record and its collection.
  void FreeRecord(size_t shard, Record* record, StoreContext& context);
  // Moves the records out of a run that RunToEmpty named, under the shard's lock.
  void EmptyRun(size_t shard, Run* run);
  // What `bytes` of record could hold without moving.
  size_t CapacityBytes(size_t shard, const Record* record) const;

 private:
  std::unique_ptr<Shard[]> shards_;
  Cut* cut_ = nullptr;
  std::vector<std::unique_ptr<DbShard[]>> tables_;
  std::atomic<size_t> flushed_tables_{0};
  std::atomic<bool> expires_actively_{true};
};

}  // namespace kiln
