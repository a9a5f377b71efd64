#include "engine/server/restrictions.h"

namespace kiln {
namespace {

// clang-format off
constexpr std::string_view kManaged[] = {
  "ACL|DELUSER",
  "ACL|LOAD",
  "ACL|SAVE",
  "ACL|SETUSER",
  "BGREWRITEAOF",
  "BGSAVE",
  "CLUSTER|ADDSLOTS",
  "CLUSTER|ADDSLOTSRANGE",
  "CLUSTER|BUMPEPOCH",
  "CLUSTER|DELSLOTS",
  "CLUSTER|DELSLOTSRANGE",
  "CLUSTER|FAILOVER",
  "CLUSTER|FLUSHSLOTS",
  "CLUSTER|FORGET",
  "CLUSTER|LINKS",
  "CLUSTER|MEET",
  "CLUSTER|REPLICATE",
  "CLUSTER|RESET",
  "CLUSTER|SAVECONFIG",
  "CLUSTER|SET-CONFIG-EPOCH",
  "CLUSTER|SETSLOT",
  "CONFIG|RESETSTAT",
  "CONFIG|REWRITE",
  "CONFIG|SET",
  "DEBUG",
  "KILN|HOLD",
  "KILN|LEASE",
  "MIGRATE",
  "REPLICAOF",
  "SAVE",
  "SHUTDOWN",
  "SLAVEOF",
};

constexpr std::string_view kMemcache[] = {
  "config|delete",
  "config|set",
};
// clang-format on

}  // namespace

std::span<const std::string_view> ManagedRestrictions() {
  return kManaged;
}

std::span<const std::string_view> MemcacheRestrictions() {
  return kMemcache;
}

}  // namespace kiln
