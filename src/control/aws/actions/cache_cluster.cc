// Cache clusters: describing, deleting and rebooting; the rows of all their operations.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_actions.h"
#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/paging.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/names.h"
#include "control/model/node_types.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

// CacheClusterId, MaxRecords, Marker, ShowCacheNodeInfo, ShowCacheClustersNotInReplicationGroups
ApiError DescribeCacheClusters(ActionCall& call) {
  std::string id = LowerCase(call.args.StringOr("CacheClusterId", ""));
  bool with_nodes = call.args.BoolOr("ShowCacheNodeInfo", false);
  bool only_alone = call.args.BoolOr("ShowCacheClustersNotInReplicationGroups", false);
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();
  Page<CacheCluster> page;
  if (!id.empty()) {
    Loaded<CacheCluster> loaded;
    if (ApiError error = LoadCluster(call, id, &loaded)) return error;
    page.items.push_back(std::move(loaded.document));
  } else if (ApiError error = ListPage<CacheCluster>(
                 call, kClusterPrefix, request,
                 [&](const CacheCluster& cluster) {
                   return !only_alone || cluster.replication_group_id.empty();
                 },
                 &page)) {
    return error;
  }
  call.out.OptionalText("Marker", page.marker);
  call.out.List("CacheClusters", "CacheCluster", page.items, [&](const CacheCluster& cluster) {
    WriteCacheCluster(call.out, cluster, call.api.site, with_nodes);
  });
  return NoError();
}

ApiError CheckDeletable(const CacheCluster& cluster) {
  constexpr std::string_view kStable[] = {"available", "create-failed", "incompatible-network",
                                          "incompatible-parameters", "restore-failed"};
  bool is_stable =
      std::find(std::begin(kStable), std::end(kStable), cluster.status) != std::end(kStable);
  if (!is_stable && !IsStuck(cluster)) {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} has status {} which is not valid for deletion.",
                           cluster.id, cluster.status));
  }
  return NoError();
}

// FinalSnapshotIdentifier: the cluster goes when that snapshot is there.
ApiError AskForFinalSnapshot(ActionCall& call, CacheCluster* cluster, Transaction* transaction) {
  std::string name;
  if (ApiError error = ReadFinalSnapshot(call, cluster->IsMemcached(), &name)) return error;
  if (name.empty()) return NoError();
  Loaded<ReplicationGroup> group;
  bool is_grouped = !cluster->replication_group_id.empty() &&
                    !LoadReplicationGroup(call, cluster->replication_group_id, &group);
  Snapshot snapshot = DescribeForSnapshot(call, *cluster, is_grouped ? &group.document : nullptr);
  snapshot.name = name;
  cluster->final_snapshot = name;
  return AddManualSnapshot(call, snapshot, cluster, transaction);
}

// A member may go unless its group cannot do without it. The transaction is to
// fail when that changes.
ApiError CheckMemberDeletable(ActionCall& call, const CacheCluster& cluster,
                              Transaction* transaction) {
  const std::string& group_id = cluster.replication_group_id;
  Loaded<ReplicationGroup> group;
  if (group_id.empty() || LoadReplicationGroup(call, group_id, &group)) return NoError();
  transaction->compares.push_back({ReplicationGroupKey(group_id), group.revision});
  const NodeGroup* shard = group.document.ShardOf(cluster.id);
  if (shard == nullptr) return NoError();
  size_t members = shard->member_clusters.size();
  if (members == 1) {
    return Bad(Fault::kInvalidCacheClusterState,
               "Cannot delete the cache cluster since it is the only member of a replication "
               "group. Delete the replication group instead.");
  }
  if (shard->primary_cluster == cluster.id) {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} is serving as primary for replication group {} and "
                           "cannot be deleted.",
                           cluster.id, group_id));
  }
  if (members > 2) return NoError();
  if (group.document.HasFailover()) {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cannot delete the cache cluster because it is the only read replica "
                           "for replication group {} which has autofailover enabled or pending. "
                           "You can disable autofailover and then delete this cache cluster. "
                           "Alternatively, to delete the entire replication group, use "
                           "DeleteReplicationGroup.",
                           group_id));
  }
  return NoError();
}

// CacheClusterId, FinalSnapshotIdentifier
ApiError DeleteCacheCluster(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("CacheClusterId"));
  if (call.args.error()) return call.args.error();
  Loaded<CacheCluster> loaded;
  if (ApiError error = LoadCluster(call, id, &loaded)) return error;
  CacheCluster& cluster = loaded.document;
  if (ApiError error = CheckDeletable(cluster)) return error;
  Transaction transaction;
  if (ApiError error = CheckMemberDeletable(call, cluster, &transaction)) return error;
  if (ApiError error = AskForFinalSnapshot(call, &cluster, &transaction)) return error;
  cluster.status = "deleting";
  cluster.pending = {};
  transaction.compares.push_back({ClusterKey(id), loaded.revision});
  transaction.puts.push_back({ClusterKey(id), ToJson(cluster)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("CacheCluster",
                   [&] { WriteCacheCluster(call.out, cluster, call.api.site, false); });
  return NoError();
}

// CacheClusterId, CacheNodeIdsToReboot
ApiError RebootCacheCluster(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("CacheClusterId"));
  std::vector<std::string> wanted = call.args.List("CacheNodeIdsToReboot", "CacheNodeId");
  if (wanted.empty())
    call.args.Fail(Fault::kMissingParameter,
                   "The request must contain the parameter CacheNodeIdsToReboot.");
  if (call.args.error()) return call.args.error();
  Loaded<CacheCluster> loaded;
  if (ApiError error = LoadCluster(call, id, &loaded)) return error;
  CacheCluster& cluster = loaded.document;
  if (cluster.status != "available") {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} is not in available state.", id));
  }
  for (const std::string& node_id : wanted) {
    auto node = std::find_if(cluster.nodes.begin(), cluster.nodes.end(),
                             [&](const CacheNode& row) { return row.id == node_id; });
    if (node == cluster.nodes.end())
      return Bad(Fault::kInvalidParameterValue,
                 fmt::format("Cache node {} does not exist.", node_id));
    if (node->status != "rebooting") ++node->boot;
    node->status = "rebooting";
  }
  cluster.status = "rebooting cluster nodes";
  if (ApiError error = Replace(call, ClusterKey(id), loaded)) return error;
  call.out.Element("CacheCluster",
                   [&] { WriteCacheCluster(call.out, cluster, call.api.site, false); });
  return NoError();
}

// CacheClusterId or ReplicationGroupId
ApiError ListAllowedNodeTypeModifications(ActionCall& call) {
  std::string cluster_id = LowerCase(call.args.StringOr("CacheClusterId", ""));
  std::string group_id = LowerCase(call.args.StringOr("ReplicationGroupId", ""));
  if (cluster_id.empty() == group_id.empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "Exactly one of CacheClusterId and ReplicationGroupId must be given.");
  }
  std::string present;
  if (cluster_id.empty()) {
    Loaded<ReplicationGroup> group;
    if (ApiError error = LoadReplicationGroup(call, group_id, &group)) return error;
    present = group.document.node_type;
  } else {
    Loaded<CacheCluster> cluster;
    if (ApiError error = LoadCluster(call, cluster_id, &cluster)) return error;
    present = cluster.document.node_type;
  }
  const NodeType* now = FindNodeType(present);
  std::vector<std::string> larger, smaller;
  for (const NodeType& type : AllNodeTypes()) {
    if (now == nullptr || type.name == now->name) continue;
    (type.maxmemory_bytes >= now->maxmemory_bytes ? larger : smaller).emplace_back(type.name);
  }
  call.out.TextList("ScaleUpModifications", "member", larger);
  call.out.TextList("ScaleDownModifications", "member", smaller);
  return NoError();
}

constexpr Action kActions[] = {
    {"CreateCacheCluster", CreateCacheCluster},
    {"DeleteCacheCluster", DeleteCacheCluster},
    {"DescribeCacheClusters", DescribeCacheClusters},
    {"ListAllowedNodeTypeModifications", ListAllowedNodeTypeModifications},
    {"ModifyCacheCluster", ModifyCacheCluster},
    {"RebootCacheCluster", RebootCacheCluster},
};

}  // namespace

std::span<const Action> CacheClusterActions() {
  return kActions;
}

}  // namespace kiln
