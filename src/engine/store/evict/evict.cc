#include "engine/store/evict/evict.h"

#include <optional>
#include <string>

#include "base/memory.h"
#include "engine/store/db.h"
#include "engine/store/evict/keep_frequent.h"
#include "engine/store/evict/policy.h"
#include "engine/store/evict/remove.h"

namespace kiln {
namespace {

// From this many keys on a shard's samples are as good as samples of the whole keyspace.
constexpr size_t kCrowdedShard = 64;

class Evictor {
 public:
  Evictor(Keyspace& keyspace, StoreContext& context)
      : keyspace_(keyspace), context_(context), rule_(RuleOf(context.settings.maxmemory_policy)) {}

  bool CanEvict() const { return rule_.score != nullptr; }

  // Evicts one key; false when there is none that may go.
  bool EvictOne() {
    if (context_.settings.memcache.keeps_frequent && EvictLeastRead(keyspace_, context_)) {
      return true;
    }
    return EvictBestOfSome() || EvictFirstFound();
  }

 private:
  struct Candidate {
    Record* record = nullptr;
    int db = 0;
    uint64_t score = 0;
  };
  // A candidate whose shard is not locked any more.
  struct Memo {
    size_t shard;
    int db;
    std::string key;
    uint64_t score;
  };

  // Compares a few random shards, or takes a crowded one's best right away.
  bool EvictBestOfSome() {
    std::optional<Memo> best;
    for (int64_t i = 0; i < context_.settings.maxmemory_samples; ++i) {
      size_t shard = context_.random.Below(kShardCount);
      Shard& locked = keyspace_.shard(shard);
      locked.lock.Lock();
      Candidate found = BestSample(shard);
      bool is_enough = found.record != nullptr && KeysThatMayGo(found.db, shard) >= kCrowdedShard;
      if (is_enough) {
        Remove(shard, found.db, found.record);
      } else if (found.record != nullptr && (!best || found.score > best->score)) {
        best = Memo{shard, found.db, std::string(found.record->key()), found.score};
      }
      locked.lock.Unlock();
      if (is_enough) return true;
    }
    return best && Evict(*best);
  }

  // It may have gone, or been used, since it was chosen; then it was not the best anyway, but room
  // is needed.
  bool Evict(const Memo& memo) {
    Shard& locked = keyspace_.shard(memo.shard);
    locked.lock.Lock();
    Db view(keyspace_, memo.db, context_);
    Record* record = view.Peek(HashKey(memo.key));
    if (record != nullptr) Remove(memo.shard, memo.db, record);
    locked.lock.Unlock();
    return true;
  }

  // For a keyspace with few keys that may go: looks everywhere.
  bool EvictFirstFound() {
    size_t start = context_.random.Below(kShardCount);
    for (size_t i = 0; i < kShardCount; ++i) {
      size_t shard = (start + i) % kShardCount;
      Shard& locked = keyspace_.shard(shard);
      locked.lock.Lock();
      Candidate found = BestSample(shard);
      if (found.record == nullptr) found = AnyVolatile(shard);
      if (found.record != nullptr) Remove(shard, found.db, found.record);
      locked.lock.Unlock();
      if (found.record != nullptr) return true;
    }
    return false;
  }

  void Remove(size_t shard, int db, Record* record) {
    EvictRecord(keyspace_, context_, {record, 0, 0, db}, shard);
  }

  size_t KeysThatMayGo(int db, size_t shard) {
    const DbShard& table = keyspace_.table(db, shard);
    return rule_.only_volatile ? table.volatile_count : table.records.size();
  }

  // The best of a few samples of each database.
  Candidate BestSample(size_t shard) {
    Candidate best;
    for (int db = 0; db < keyspace_.databases(); ++db) {
      if (KeysThatMayGo(db, shard) == 0) continue;
      Db view(keyspace_, db, context_);
      for (int64_t i = 0; i < context_.settings.maxmemory_samples; ++i) {
        Record* record = Sample(keyspace_.table(db, shard));
        if (record == nullptr) continue;
        uint64_t score = rule_.score(view, *record);
        if (best.record == nullptr || score > best.score) best = {record, db, score};
      }
    }
    return best;
  }

  // Null when it hit a stale entry of the TTL index.
  Record* Sample(DbShard& table) {
    if (!rule_.only_volatile) return table.records.RandomEntry(context_.random);
    if (table.expiry == nullptr) return nullptr;
    uint32_t prefix = 0;
    bool found = rule_.soonest_first && context_.random.Below(2) == 0
                     ? table.expiry->Soonest(&prefix)
                     : table.expiry->Sample(context_.random, &prefix);
    Record* record = nullptr;
    if (!found) return nullptr;
    table.records.ForEachWithPrefix(uint64_t{prefix} << 32, 32, [&](Record* candidate) {
      if (candidate->expiry_ms() != kNoExpiry) record = candidate;
    });
    return record;
  }

  // Where most entries of the TTL index are stale, samples may miss the few volatile keys there
  // are.
  Candidate AnyVolatile(size_t shard) {
    Candidate found;
    for (int db = 0; rule_.only_volatile && db < keyspace_.databases(); ++db) {
      if (KeysThatMayGo(db, shard) == 0) continue;
      keyspace_.table(db, shard).records.ForEach([&](Record* record) {
        if (record->expiry_ms() != kNoExpiry) found = {record, db, 0};
      });
    }
    return found;
  }

  Keyspace& keyspace_;
  StoreContext& context_;
  EvictionRule rule_;
};

}  // namespace

bool EvictToLimit(Keyspace& keyspace, StoreContext& context, size_t limit_bytes) {
  Evictor evictor(keyspace, context);
  while (AllocatedBytes() > limit_bytes) {
    // What was evicted but waits to be freed in slices counts too: free it first.
    if (!context.reclaimer.empty()) {
      context.reclaimer.Run(1024);
    } else if (!evictor.CanEvict() || !evictor.EvictOne()) {
      return false;
    }
  }
  return true;
}

}  // namespace kiln
