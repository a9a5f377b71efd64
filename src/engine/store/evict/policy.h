// The eviction policies: which records may go, and how much each deserves to. One row a policy, in
// policy.cc.
#pragma once

#include <cstdint>

#include "engine/store/db.h"
#include "params/eviction_policy.h"

namespace kiln {

struct EvictionRule {
  bool only_volatile;  // only records with a TTL
  bool soonest_first;  // sample where TTLs end soonest
  // The higher, the sooner it goes; null: nothing may go.
  uint64_t (*score)(Db& db, const Record& record);
};

EvictionRule RuleOf(EvictionPolicy policy);

}  // namespace kiln
