// LockPlan: the shards a request needs, locked in ascending order so that nobody can deadlock.
//
// Thread safety: none; each worker reuses its own.
#pragma once

#include <bitset>
#include <cstdint>

#include "engine/store/keyspace.h"

namespace kiln {

class LockPlan {
 public:
  void Clear() {
    shards_.reset();
    everything_ = false;
  }
  void Add(uint32_t shard) { shards_.set(shard); }
  // The whole keyspace: the Gate alone, no shard locks.
  void AddEverything() { everything_ = true; }
  bool everything() const { return everything_; }
  bool Has(uint32_t shard) const { return everything_ || shards_.test(shard); }
  bool HasAny() const { return shards_.any(); }

  template <class F>
  void ForEach(F&& f) const {
    for (size_t i = shards_._Find_first(); i < kShardCount; i = shards_._Find_next(i)) {
      f(static_cast<uint32_t>(i));
    }
  }

  // Locks the shards; then, for a request that `writes`, those that clients waiting there would
  // need when it serves them (theirs may be more: BLMOVE's destination). Nothing has begun yet, so
  // it can let go and start over with more.
  void Lock(Keyspace& keyspace, bool writes);
  void Unlock(Keyspace& keyspace);

 private:
  bool AddWaitersShards(Keyspace& keyspace);

  std::bitset<kShardCount> shards_;
  bool everything_ = false;
};

}  // namespace kiln
