// The end of a record that was chosen, whatever the policy.
//
// Thread safety: under the shard's lock.
#pragma once

#include "engine/store/eviction_pool.h"
#include "engine/store/keyspace.h"

namespace kiln {

// Removes it, and moves the other records of its page where they fit into holes of other pages, so
// that what eviction frees can serve records of any size.
void EvictRecord(Keyspace& keyspace, StoreContext& context, const EvictionCandidate& chosen,
                 size_t shard);

}  // namespace kiln
