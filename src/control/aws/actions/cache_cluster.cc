// Cache clusters: describing, deleting and rebooting; the rows of all their operations.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_actions.h"
#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/paging.h"
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

ApiError CheckDeletable(Arguments& args, const CacheCluster& cluster) {
  constexpr std::string_view kStable[] = {"available", "create-failed", "incompatible-network",
                                          "incompatible-parameters", "restore-failed"};
  bool is_stable =
      std::find(std::begin(kStable), std::end(kStable), cluster.status) != std::end(kStable);
  if (!is_stable && !IsStuck(cluster)) {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} has status {} which is not valid for deletion.",
                           cluster.id, cluster.status));
  }
  if (!cluster.replication_group_id.empty()) {
    return Bad(Fault::kInvalidCacheClusterState,
               "Cannot delete the cache cluster since it is the only member of a replication "
               "group. Delete the replication group instead.");
  }
  if (!args.Has("FinalSnapshotIdentifier")) return NoError();
  if (cluster.IsMemcached())
    return Bad(Fault::kSnapshotFeatureNotSupported, "Memcached has no snapshots.");
  return Bad(Fault::kUnsupportedOperation, "FinalSnapshotIdentifier is not supported by Kiln yet.");
}

// CacheClusterId, FinalSnapshotIdentifier
ApiError DeleteCacheCluster(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("CacheClusterId"));
  if (call.args.error()) return call.args.error();
  Loaded<CacheCluster> loaded;
  if (ApiError error = LoadCluster(call, id, &loaded)) return error;
  CacheCluster& cluster = loaded.document;
  if (ApiError error = CheckDeletable(call.args, cluster)) return error;
  cluster.status = "deleting";
  cluster.pending = {};
  if (ApiError error = Replace(call, ClusterKey(id), loaded)) return error;
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
