#include "engine/server/registry.h"

#include <array>

#include "engine/cluster/groups.h"
#include "engine/commands/groups.h"
#include "engine/persist/groups.h"

namespace kiln {

std::span<const std::span<const Command>> CommandGroups() {
  static const std::array groups = {
      ConnectionCommands(),
      StringCommands(),
      StringNumberCommands(),
      StringRangeCommands(),
      LcsCommands(),
      KeyCommands(),
      DumpCommands(),
      ObjectCommands(),
      ExpireCommands(),
      ScanCommands(),
      SortCommands(),
      DatabaseCommands(),
      ReplicationCommands(),
      BitmapCommands(),
      BitFieldCommands(),
      ListCommands(),
      BlockingListCommands(),
      HashCommands(),
      HashExpiryCommands(),
      SetCommands(),
      SetCombineCommands(),
      SortedSetCommands(),
      SortedSetRangeCommands(),
      SortedSetCombineCommands(),
      SortedSetPopCommands(),
      HyperLogLogCommands(),
      GeoCommands(),
      GeoSearchCommands(),
      StreamCommands(),
      StreamReadCommands(),
      StreamGroupCommands(),
      StreamPendingCommands(),
      StreamInfoCommands(),
      TransactionCommands(),
      PubSubCommands(),
      ClientCommands(),
      ClientTrackingCommands(),
      ServerCommands(),
      AclCommands(),
      ClusterCommands(),
      MemoryCommands(),
      ConfigCommands(),
      CommandInfoCommands(),
      ObserveCommands(),
      DebugCommands(),
      ScriptingCommands(),
      FunctionCommands(),
      FunctionDumpCommands(),
      MigrateCommands(),
  };
  return groups;
}

std::span<const std::span<const Command>> MemcacheCommandGroups() {
  static const std::array groups = {MemcacheCommands(),       MemcacheBinaryCommands(),
                                    MemcacheConfigCommands(), MemcacheLoginCommands(),
                                    MemcacheMetaCommands(),   MemcacheServerCommands()};
  return groups;
}

}  // namespace kiln
