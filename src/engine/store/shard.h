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
  size_t volatile_count = 0;  // records with a TTL
};

// The pool behind all records' slab heaps; never destroyed.
PagePool& RecordPagePool();

struct alignas(64) Shard {
  ShardLock lock;
  // When the soonest TTL index of any database here has work (Unix ms); may be early. Read without
  // the lock.
  std::atomic<uint64_t> next_expiry_ms{ExpiryIndex::kNever};
  SlabHeap heap{RecordPagePool(), RecordSizeClasses()};
  std::unique_ptr<WatchList> watched;   // null while no client watches a key here
  std::unique_ptr<WaiterList> waiters;  // null while no client waits for a key here
  uint64_t last_cas = 0;                // of memcached's CAS numbers given out here
  std::vector<DbShard> flushed;         // contents of flushed databases, freed in slices
};

}  // namespace kiln
