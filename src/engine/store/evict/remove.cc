#include "engine/store/evict/remove.h"

#include "engine/store/db.h"

namespace kiln {

void EvictRecord(Keyspace& keyspace, StoreContext& context, const EvictionCandidate& chosen,
                 size_t shard) {
  SlabHeap& heap = keyspace.shard(shard).heap;
  Run* run = chosen.record->is_large() ? nullptr : heap.RunToEmpty(chosen.record);
  Db(keyspace, chosen.db, context).Evict(shard, chosen.record);
  if (run != nullptr) keyspace.EmptyRun(shard, run);
  heap.Publish();
}

}  // namespace kiln
