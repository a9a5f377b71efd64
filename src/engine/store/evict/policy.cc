#include "engine/store/evict/policy.h"

namespace kiln {
namespace {

// LRU: the longer unused, the sooner.
uint64_t ByIdleTime(Db& db, const Record& record) {
  return db.IdleSeconds(&record) + 1;
}

// LFU: the rarer used (logarithmic counter, decayed by time), the sooner.
uint64_t ByRareUse(Db& db, const Record& record) {
  return 256 - db.LfuCounter(&record);
}

uint64_t AtRandom(Db& db, const Record&) {
  return db.context().random.Next() | 1;
}

// TTL: the sooner it ends anyway, the sooner.
uint64_t ByExpiry(Db&, const Record& record) {
  return ~record.expiry_ms();
}

}  // namespace

EvictionRule RuleOf(EvictionPolicy policy) {
  switch (policy) {
    case EvictionPolicy::kVolatileLru:
      return {true, false, ByIdleTime};
    case EvictionPolicy::kVolatileLfu:
      return {true, false, ByRareUse};
    case EvictionPolicy::kVolatileRandom:
      return {true, false, AtRandom};
    case EvictionPolicy::kVolatileTtl:
      return {true, true, ByExpiry};
    case EvictionPolicy::kAllKeysLru:
      return {false, false, ByIdleTime};
    case EvictionPolicy::kAllKeysLfu:
      return {false, false, ByRareUse};
    case EvictionPolicy::kAllKeysRandom:
      return {false, false, AtRandom};
    case EvictionPolicy::kNoEviction:
      break;
  }
  return {false, false, nullptr};
}

}  // namespace kiln
