#include "engine/store/evict/evict.h"

#include "base/memory.h"
#include "engine/store/db.h"
#include "engine/store/evict/policy.h"

namespace kiln {
namespace {

// A record a TTL index entry names, or null if the hint is stale.
Record* FindVolatile(DbShard& table, uint32_t prefix) {
  Record* found = nullptr;
  table.records.ForEachWithPrefix(uint64_t{prefix} << 32, 32, [&](Record* record) {
    if (record->expiry_ms() != kNoExpiry) found = record;
  });
  return found;
}

Record* Sample(DbShard& table, const EvictionRule& rule, Random& random) {
  if (!rule.only_volatile) return table.records.RandomEntry(random);
  uint32_t prefix = 0;
  if (table.expiry == nullptr) return nullptr;
  bool found = rule.soonest_first && random.Below(2) == 0 ? table.expiry->Soonest(&prefix)
                                                         : table.expiry->Sample(random, &prefix);
  return found ? FindVolatile(table, prefix) : nullptr;
}

// Evicts the best of a few samples from one shard; false when it has none.
bool EvictFromShard(Keyspace& keyspace, size_t shard, const EvictionRule& rule, StoreContext& context) {
  Record* best = nullptr;
  int best_db = 0;
  uint64_t best_score = 0;
  for (int db = 0; db < keyspace.databases(); ++db) {
    DbShard& table = keyspace.table(db, shard);
    if (table.records.size() == 0) continue;
    Db view(keyspace, db, context);
    for (int64_t i = 0; i < context.settings.maxmemory_samples; ++i) {
      Record* record = Sample(table, rule, context.random);
      if (record == nullptr) continue;
      uint64_t score = rule.score(view, *record);
      if (best != nullptr && score <= best_score) continue;
      best = record;
      best_db = db;
      best_score = score;
    }
  }
  if (best == nullptr) return false;
  Db(keyspace, best_db, context).Evict(shard, best);
  return true;
}

}  // namespace

bool EvictToLimit(Keyspace& keyspace, StoreContext& context, size_t limit_bytes) {
  EvictionRule rule = RuleOf(context.settings.maxmemory_policy);
  if (rule.score == nullptr) return AllocatedBytes() <= limit_bytes;
  size_t empty_in_a_row = 0;
  while (AllocatedBytes() > limit_bytes) {
    // What was evicted but waits to be freed in slices counts too: free it first.
    if (!context.reclaimer.empty()) {
      context.reclaimer.Run(1024);
      continue;
    }
    size_t shard = context.random.Below(kShardCount);
    if (empty_in_a_row > kShardCount) shard = (empty_in_a_row - kShardCount) % kShardCount;
    keyspace.shard(shard).lock.Lock();
    bool evicted = EvictFromShard(keyspace, shard, rule, context);
    keyspace.shard(shard).lock.Unlock();
    empty_in_a_row = evicted ? 0 : empty_in_a_row + 1;
    if (empty_in_a_row > 2 * kShardCount) return false;
  }
  return true;
}

}  // namespace kiln
