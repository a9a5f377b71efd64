// Snapshots: what is written down when one is asked for, and how its parts are named.
//
// Pure; any thread. Names of automatic snapshots are those of the ElastiCache user guide.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/documents.h"

namespace kiln {

inline constexpr size_t kMaxManualSnapshotsADay = 20;  // Of one node.
inline constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

// Of a cluster that stands alone, or of one shard's member; `group` is null, or its group, and
// `zone_of` then tells the zone of a member.
using ZoneLookup = std::function<std::string(const std::string& cluster_id)>;
Snapshot SnapshotOf(const CacheCluster& cluster, const ReplicationGroup* group,
                    const ZoneLookup& zone_of);

// The member that a snapshot of a shard is best taken of: the one chosen for that, else a replica,
// else the primary.
std::string SnapshotMember(const ReplicationGroup& group, const NodeGroup& shard);

// Members in the order in which they are to be tried, `first` before all.
std::vector<std::string> SnapshotMembers(const NodeGroup& shard, const std::string& first);

// "automatic.sessions-2026-11-23-20-05"
std::string AutomaticSnapshotName(std::string_view cluster_id, int64_t now_ms);

// "nightly/0001.rdb": where the file of a shard lies among all snapshots' files.
std::string SnapshotFileKey(std::string_view name, std::string_view node_group_id);

// "nightly-0001.rdb": the same in a bucket that it is exported to.
std::string ExportedFileKey(std::string_view name, std::string_view node_group_id);

// Where a new cache's data come from; see CacheCluster::seed.
struct Seed {
  std::string snapshot;  // Or empty, and then the other two.
  std::string node_group_id;
  std::string bucket;
  std::string key;
};
std::string SnapshotSeed(std::string_view snapshot, std::string_view node_group_id);
// Nullopt: it is neither the one nor the other.
std::optional<Seed> ParseSeed(std::string_view text);

// "Snapshot succeeded for snapshot with ID 'nightly' of replication group with ID 'web'"
std::string SnapshotEventText(std::string_view what, const Snapshot& snapshot);

}  // namespace kiln
