// The command groups: each is the only symbol that its file exports.
#pragma once

#include <span>

#include "engine/commands/command.h"

namespace kiln {

std::span<const Command> ConnectionCommands();
std::span<const Command> StringCommands();
std::span<const Command> StringNumberCommands();
std::span<const Command> StringRangeCommands();
std::span<const Command> LcsCommands();
std::span<const Command> KeyCommands();
std::span<const Command> ObjectCommands();
std::span<const Command> ExpireCommands();
std::span<const Command> ScanCommands();
std::span<const Command> SortCommands();
std::span<const Command> DatabaseCommands();
std::span<const Command> ReplicationCommands();
std::span<const Command> BitmapCommands();
std::span<const Command> BitFieldCommands();
std::span<const Command> ListCommands();
std::span<const Command> BlockingListCommands();
std::span<const Command> HashCommands();
std::span<const Command> HashExpiryCommands();
std::span<const Command> SetCommands();
std::span<const Command> SetCombineCommands();
std::span<const Command> SortedSetCommands();
std::span<const Command> SortedSetRangeCommands();
std::span<const Command> SortedSetCombineCommands();
std::span<const Command> SortedSetPopCommands();
std::span<const Command> HyperLogLogCommands();
std::span<const Command> GeoCommands();
std::span<const Command> GeoSearchCommands();
std::span<const Command> StreamCommands();
std::span<const Command> StreamReadCommands();
std::span<const Command> StreamGroupCommands();
std::span<const Command> StreamPendingCommands();
std::span<const Command> StreamInfoCommands();
std::span<const Command> TransactionCommands();
std::span<const Command> PubSubCommands();
std::span<const Command> ClientCommands();
std::span<const Command> ClientTrackingCommands();
std::span<const Command> ServerCommands();
std::span<const Command> AclCommands();
std::span<const Command> ClusterCommands();
std::span<const Command> MemoryCommands();
std::span<const Command> ConfigCommands();
std::span<const Command> CommandInfoCommands();
std::span<const Command> ObserveCommands();
std::span<const Command> DebugCommands();
std::span<const Command> ScriptingCommands();
std::span<const Command> FunctionCommands();

// memcached's verbs; a table of their own.
std::span<const Command> MemcacheCommands();
std::span<const Command> MemcacheConfigCommands();
std::span<const Command> MemcacheBinaryCommands();
std::span<const Command> MemcacheLoginCommands();
std::span<const Command> MemcacheMetaCommands();
std::span<const Command> MemcacheServerCommands();

}  // namespace kiln
