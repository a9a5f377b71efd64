#include "engine/store/evict/keep_frequent.h"

#include "engine/store/db.h"
#include "engine/store/evict/remove.h"
#include "engine/store/evicted_keys.h"

namespace kiln {
namespace {

constexpr int kSamples = 12;     // new candidates for each eviction
constexpr int kShardsTried = 8;  // until one has any
constexpr int kRetries = 16;     // of candidates that have gone or been read since
constexpr uint64_t kMostReads = 4;
constexpr uint64_t kFitOneIn = 1024;  // evictions that look how much to remember of the evicted
// Looks that take a read away. When as many records have been evicted as there are, each has been
// looked at kSamples times. While records that were read have to go, each so loses one read in that
// time: what nobody reads any more is gone after a few such rounds. While others are enough, as
// in a scan, the counts are nearly kept; not quite, because some of what is scanned is taken for
// what came back.
constexpr uint64_t kAgeOneInLooks = kSamples;
constexpr uint64_t kAgeOneInQuietLooks = 1024;

uint64_t ScoreOf(const Db& db, const Record& record, uint64_t now_ms) {
  if (record.expiry_ms() <= now_ms) return ~uint64_t{0};
  return (kMostReads - record.reads()) << 32 | db.IdleSeconds(&record);
}

// A small keyspace has only the first shards.
size_t ShardsInUse() {
  return static_cast<size_t>(key_hash_mask >> (64 - kShardBits)) + 1;
}

// Offers some records of one shard to the pool; returns how many.
int OfferSamples(Keyspace& keyspace, StoreContext& context, size_t shard) {
  int offered = 0;
  uint64_t age_one_in =
      context.eviction_pool.lost_read_record() ? kAgeOneInLooks : kAgeOneInQuietLooks;
  for (int db = 0; db < keyspace.databases(); ++db) {
    const auto& records = keyspace.table(db, shard).records;
    if (records.size() == 0) continue;
    Db view(keyspace, db, context);
    Record* samples[kSamples];
    for (Record*& sample : samples) {  // their cache misses overlap
      sample = records.RandomEntry(context.random);
      __builtin_prefetch(sample);
    }
    for (Record* record : samples) {
      uint64_t score = ScoreOf(view, *record, context.now_ms);
      if (context.random.Below(age_one_in) == 0) record->LoseRead();
      context.eviction_pool.Offer({record, HashKey(record->key()).hash, score, db});
    }
    offered += kSamples;
    if (context.random.Below(kFitOneIn) == 0) LatelyEvicted().FitTo(records.size() * ShardsInUse());
  }
  return offered;
}

void Gather(Keyspace& keyspace, StoreContext& context) {
  size_t shards = ShardsInUse();
  for (int i = 0; i < kShardsTried; ++i) {
    size_t shard = context.random.Below(shards);
    ShardLock& lock = keyspace.shard(shard).lock;
    lock.Lock();
    int offered = OfferSamples(keyspace, context, shard);
    lock.Unlock();
    if (offered > 0) return;
  }
}

enum class Fate { kEvicted, kGone, kSpared };

// A candidate that has been read since it was offered goes back with its new score.
Fate EvictCandidate(Keyspace& keyspace, StoreContext& context, EvictionCandidate candidate) {
  size_t shard = ShardOf(candidate.key_hash);
  ShardLock& lock = keyspace.shard(shard).lock;
  lock.Lock();
  Fate fate = Fate::kGone;
  const auto& records = keyspace.table(candidate.db, shard).records;
  if (records.Holds(TableHashOf(candidate.key_hash), candidate.record)) {
    uint64_t score =
        ScoreOf(Db(keyspace, candidate.db, context), *candidate.record, context.now_ms);
    fate = score >= candidate.score ? Fate::kEvicted : Fate::kSpared;
    if (fate == Fate::kEvicted) {
      const Record& lost = *candidate.record;
      context.eviction_pool.set_lost_read_record(lost.is_fetched() || lost.reads() > 0);
      EvictRecord(keyspace, context, candidate, shard);
      LatelyEvicted().Note(candidate.key_hash);
    }
    candidate.score = score;
  }
  lock.Unlock();
  if (fate == Fate::kSpared) context.eviction_pool.Offer(candidate);
  return fate;
}

}  // namespace

bool EvictLeastRead(Keyspace& keyspace, StoreContext& context) {
  Gather(keyspace, context);
  EvictionCandidate best;
  for (int i = 0; i < kRetries && context.eviction_pool.Take(&best); ++i) {
    if (EvictCandidate(keyspace, context, best) == Fate::kEvicted) return true;
  }
  return false;
}

}  // namespace kiln
