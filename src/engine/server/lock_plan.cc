#include "engine/server/lock_plan.h"

namespace kiln {

void LockPlan::Lock(Keyspace& keyspace, bool writes) {
  while (true) {
    ForEach([&](uint32_t shard) { keyspace.shard(shard).lock.Lock(); });
    if (!writes) return;
    std::bitset<kShardCount> locked = shards_;
    if (!AddWaitersShards(keyspace)) return;
    std::swap(locked, shards_);
    Unlock(keyspace);
    shards_ = locked;
  }
}

bool LockPlan::AddWaitersShards(Keyspace& keyspace) {
  std::bitset<kShardCount> wanted = shards_;
  ForEach([&](uint32_t shard) {
    const auto& waiters = keyspace.shard(shard).waiters;
    if (waiters == nullptr) return;
    waiters->ForEach([&](const Waiter& waiter) {
      for (uint32_t needed : waiter.shards) wanted.set(needed);
    });
  });
  if (wanted == shards_) return false;
  shards_ = wanted;
  return true;
}

void LockPlan::Unlock(Keyspace& keyspace) {
  ForEach([&](uint32_t shard) { keyspace.shard(shard).lock.Unlock(); });
}

}  // namespace kiln
