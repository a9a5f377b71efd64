// The policy of kiln-memcached: what was read least of late goes first, and of those what has been
// unused for longest.
//
// A record counts its reads up to 4 (record.h); being looked at by eviction takes one away now and
// then, so that what was popular once goes too: often while records that were read have to go,
// seldom while there are others. Keys that are read once, as by a scan, never count, and push out
// only each other; one that is set again soon after its eviction starts with two reads
// (evicted_keys.h). That is the idea of S3-FIFO (Yang et al., 2023) and of CLOCK
// with counters, with a pool of sampled candidates in place of queues: nothing is kept for each
// item beyond those four bits, and a read writes nothing but its own record.
//
// Measured with bench/hit_ratio.py. Simulated and rejected: hyperbolic caching (a sixth more misses
// with scans), counters to 15 (slower to follow a workload that changes).
//
// Thread safety: as evict.h.
#pragma once

#include "engine/store/keyspace.h"

namespace kiln {

// Evicts one record; false when a few looks found none.
bool EvictLeastRead(Keyspace& keyspace, StoreContext& context);

}  // namespace kiln
