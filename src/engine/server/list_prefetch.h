// Asks for the cache lines of a batch's lists before it runs: the stage after buckets and records.
//
// A push goes from record to list to node and writes where nobody has read, which the release of
// the shard's lock then waits for: a quarter of what the command takes. So first all lists of a
// batch are asked for and then the heads of all. It takes two locks a request, and so it pays for
// lists alone, at the head: sets, hashes and sorted sets need more steps than their objects could
// tell, and a tail needs one more than a head.
//
// Called by the dispatcher while it holds no lock; it holds one at a time, and never waits for one.
#pragma once

#include "engine/server/request_batch.h"

namespace kiln {

// The last request tells: a batch is mostly of one kind. RPUSH and its kin work at the tail. All
// requests of a batch may have been answered while a script was busy.
inline bool IsWorthListPrefetch(const RequestBatch& batch) {
  if (batch.size == 0) return false;
  const Command* last = batch.requests[batch.size - 1].command;
  return last != nullptr && Has(last->acl, Acl::kList) && last->name[0] == 'L';
}

void PrefetchLists(Keyspace& keyspace, const RequestBatch& batch);

}  // namespace kiln
