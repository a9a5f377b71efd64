// Eviction: makes room when memory is over maxmemory, by the policy of that name.
//
// Approximate, as in Redis: a few random records are looked at and the best one to lose goes. Of a
// shard with many keys that may go, samples are as good as of all; of small shards, several are
// compared. Evicting needs one shard lock at a time. The policies themselves are in policy.h.
//
// Thread safety: any worker, inside the Gate, holding no shard lock.
#pragma once

#include <cstddef>

#include "engine/store/keyspace.h"

namespace kiln {

// Evicts until allocated memory is at most `limit_bytes`; false when the policy leaves nothing to
// evict.
bool EvictToLimit(Keyspace& keyspace, StoreContext& context, size_t limit_bytes);

}  // namespace kiln
