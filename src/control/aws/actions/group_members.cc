#include "control/aws/actions/group_members.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/loading.h"
#include "control/model/cluster_changes.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

// What a replica has in common with its primary.
CacheCluster LikePrimary(const CacheCluster& primary, const std::string& id) {
  CacheCluster replica = primary;
  replica.id = id;
  replica.status = "creating";
  replica.create_time_ms = 0;
  replica.nodes.clear();
  replica.next_node_number = 1;
  replica.pending = {};
  replica.seed.clear();
  replica.seed_path.clear();
  replica.manual_snapshots_ms.clear();
  return replica;
}

}  // namespace

ApiError CheckGroupAvailable(const ReplicationGroup& group) {
  if (group.status == "available") return NoError();
  return Bad(Fault::kInvalidReplicationGroupState,
             "Replication group must be in available state to modify.");
}

ApiError FindShard(ReplicationGroup& group, const std::string& id, NodeGroup** shard) {
  for (NodeGroup& row : group.node_groups) {
    if (row.id != id) continue;
    *shard = &row;
    return NoError();
  }
  return Bad(Fault::kNodeGroupNotFound,
             fmt::format("Node group {} of replication group {} not found.", id, group.id));
}

std::string NextMemberId(ReplicationGroup* group) {
  return fmt::format("{}-{:03}", group->id, group->next_member_number++);
}

ApiError AddReplica(ActionCall& call, const std::string& id, const std::string& zone,
                    NodeGroup* shard, Transaction* transaction) {
  Loaded<CacheCluster> primary, present;
  if (ApiError error = LoadCluster(call, shard->primary_cluster, &primary)) return error;
  if (!LoadCluster(call, id, &present)) {
    return Bad(Fault::kCacheClusterAlreadyExists,
               fmt::format("Cache cluster {} already exists.", id));
  }
  const std::vector<std::string>& zones = call.api.site.zones;
  std::string place = zone.empty() ? zones[shard->member_clusters.size() % zones.size()] : zone;
  if (ApiError error = CheckZone(call.api.site, place)) return error;
  CacheCluster replica = LikePrimary(primary.document, id);
  std::optional<Endpoint> own =
      call.api.addresses->ReserveFurther(replica.port, id + ".0001", transaction);
  if (!own)
    return Bad(Fault::kInsufficientCacheClusterCapacity,
               fmt::format("No free address for port {}.", replica.port));
  AddNode(&replica, *own, place);
  if (ApiError error = HoldGroups(call, replica, transaction)) return error;
  transaction->compares.push_back({ClusterKey(id), 0});
  transaction->puts.push_back({ClusterKey(id), ToJson(replica)});
  shard->member_clusters.push_back(id);
  return NoError();
}

ApiError RemoveMembers(ActionCall& call, const std::vector<std::string>& ids,
                       const std::string& final_snapshot, Transaction* transaction) {
  for (const std::string& id : ids) {
    Loaded<CacheCluster> replica;
    if (ApiError error = LoadCluster(call, id, &replica)) return error;
    replica.document.status = "deleting";
    replica.document.final_snapshot = final_snapshot;
    replica.document.pending = {};
    transaction->compares.push_back({ClusterKey(id), replica.revision});
    transaction->puts.push_back({ClusterKey(id), ToJson(replica.document)});
  }
  return NoError();
}

}  // namespace kiln
