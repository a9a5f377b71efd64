// Asks for the cache lines of a batch's values before it runs: the stages after buckets and
// records.
//
// A push goes from record to list to node, and an SADD from record to set to table to bucket; each
// step is a miss when the value is cold, and waits for the one before. Taken for all requests of
// the batch before the next step begins, the misses overlap. Each step takes a lock a request, and
// so it pays for lists at the head and for sets alone: hashes and sorted sets need more steps than
// their objects could tell, and a list's tail needs one more than its head.
//
// Called by the dispatcher while it holds no lock; it holds one at a time, and never waits for one.
#pragma once

#include "engine/server/request_batch.h"

namespace kiln {

enum class ValuePrefetch { kNone, kLists, kSets };

// The last request tells: a batch is mostly of one kind. RPUSH and its kin work at the tail. All
// requests of a batch may have been answered while a script was busy.
inline ValuePrefetch WorthPrefetching(const RequestBatch& batch) {
  if (batch.size == 0) return ValuePrefetch::kNone;
  const Command* last = batch.requests[batch.size - 1].command;
  if (last == nullptr || !Has(last->acl, Acl::kList | Acl::kSet)) return ValuePrefetch::kNone;
  if (Has(last->acl, Acl::kSet))
    return last->has_one_key ? ValuePrefetch::kSets : ValuePrefetch::kNone;
  return last->name[0] == 'L' ? ValuePrefetch::kLists : ValuePrefetch::kNone;
}

void PrefetchValues(ValuePrefetch which, Keyspace& keyspace, const RequestBatch& batch);

}  // namespace kiln
