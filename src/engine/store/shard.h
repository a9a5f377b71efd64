// A shard: one of 1,024 parts of the keyspace, with its lock, its records' memory and those who
// wait on its keys.
//
// Everything in a shard is touched under its lock only (or by whoever holds the Gate alone).
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/store/expiry_index.h"
#include "engine/store/record.h"
#include "engine/store/shard_lock.h"
#include "engine/store/table/slab_heap.h"
#include "engine/store/table/table.h"
#include "engine/store/waiters.h"

namespace kiln {

// One database's part of a shard.
struct alignas(64) DbShard {
  Table<RecordPolicy> records;
  std::unique_ptr<ExpiryIndex> expiry;
  size_t volatile_count = 0;       // records with a TTL
  size_t volatile_hash_count = 0;  // hashes with the flag for TTLs of fields
};

// The pool behind all records' slab heaps; never destroyed.
PagePool& RecordPagePool();

// How far a shard has counted that gave out this CAS number of memcached's. Of numbers
// that only a client can have chosen, as they take a wide record, it is 0.
constexpr uint64_t CasCountOf(uint64_t cas) {
  return cas >> RecordShape::kNarrowCasBits != 0 ? 0 : cas >> kShardBits;
}

struct alignas(64) Shard {
  ShardLock lock;
  // When the soonest TTL index of any database here has work (Unix ms); may be early. Read without
  // the lock.
  std::atomic<uint64_t> next_expiry_ms{ExpiryIndex::kNever};
  SlabHeap heap{RecordPagePool(), RecordSizeClasses()};
  // Whether somebody wants to hear of changes here: who watches a key, or who tracks what it read.
  bool is_observed = false;
  bool is_tracked = false;
  std::unique_ptr<WatchList> watched;   // null while no client watches a key here
  std::unique_ptr<WaiterList> waiters;  // null while no client waits for a key here
  uint64_t last_cas = 0;                // how far memcached's CAS numbers are counted here
  std::vector<DbShard> flushed;         // contents of flushed databases, freed in slices

  // After `watched` came or went.
  void NoteWatched() { is_observed = is_tracked || watched != nullptr; }
  void SetTracked(bool on) {
    is_tracked = on;
    NoteWatched();
  }
};

}  // namespace kiln
