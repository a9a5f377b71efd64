// ModifyCacheCluster.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_actions.h"
#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/loading.h"
#include "control/model/cluster_changes.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr int kMaxMemcachedNodes = 40;

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

bool HasNode(const CacheCluster& cluster, const std::string& id) {
  return std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                     [&](const CacheNode& node) { return node.id == id; });
}

// Fewer nodes: which ones. Without a list the last ones go, but only in the maintenance window.
ApiError ReadRemovals(Arguments& args, bool is_immediate, CacheCluster* cluster, size_t fewer) {
  std::vector<std::string> ids = args.List("CacheNodeIdsToRemove", "CacheNodeId");
  bool may_choose = ids.empty() && !is_immediate;
  if (ids.size() != fewer && !may_choose) {
    return Bad(Fault::kInvalidParameterCombination,
               fmt::format("The number of cache node ids to remove must be {}.", fewer));
  }
  for (const std::string& id : ids) {
    if (!HasNode(*cluster, id))
      return Bad(Fault::kInvalidParameterValue, fmt::format("Cache node {} does not exist.", id));
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
    return Bad(Fault::kInvalidParameterValue, "Cache node ids to remove must not repeat.");
  cluster->pending.node_ids_to_remove = std::move(ids);
  return NoError();
}

ApiError ReadAdditions(ActionCall& call, CacheCluster* cluster, size_t more) {
  std::vector<std::string> zones =
      call.args.List("NewAvailabilityZones", "PreferredAvailabilityZone");
  if (!zones.empty() && zones.size() != more) {
    return Bad(Fault::kInvalidParameterCombination,
               "Must specify the same number of preferred availability zones as requested number "
               "of nodes.");
  }
  for (const std::string& zone : zones) {
    if (ApiError error = CheckZone(call.api.site, zone)) return error;
  }
  if (ApiError error = CheckNodeQuota(call, more)) return error;
  cluster->pending.new_zones = std::move(zones);
  return NoError();
}

ApiError ReadNodeCount(ActionCall& call, bool is_immediate, CacheCluster* cluster) {
  std::optional<int64_t> wanted = call.args.Integer("NumCacheNodes", 1, 1000);
  if (call.args.error()) return call.args.error();
  size_t present = cluster->nodes.size();
  size_t count = wanted ? static_cast<size_t>(*wanted) : present;
  if (count >= present && !call.args.List("CacheNodeIdsToRemove", "CacheNodeId").empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "CacheNodeIdsToRemove needs a NumCacheNodes that is less than the present number.");
  }
  if (!wanted) return NoError();
  cluster->pending.num_cache_nodes.reset();
  cluster->pending.node_ids_to_remove.clear();
  cluster->pending.new_zones.clear();
  if (count == present) return NoError();  // Cancels what was pending.
  if (!cluster->IsMemcached()) {
    return Bad(Fault::kInvalidParameterValue,
               "Cannot modify a Redis cluster to have more than one node.");
  }
  if (count > kMaxMemcachedNodes) {
    return Bad(Fault::kNodeQuotaForClusterExceeded,
               fmt::format("Cluster node quota exceeded. Each cluster can have at most {} nodes in "
                           "this region.",
                           kMaxMemcachedNodes));
  }
  cluster->pending.num_cache_nodes = static_cast<int>(count);
  return count < present ? ReadRemovals(call.args, is_immediate, cluster, present - count)
                         : ReadAdditions(call, cluster, count - present);
}

// Nodes stay in their zones; cross-az spreads those that are still to come.
ApiError ReadZoneMode(ActionCall& call, CacheCluster* cluster) {
  auto mode = call.args.OneOf("AZMode", {"single-az", "cross-az"});
  if (call.args.error()) return call.args.error();
  size_t present = cluster->nodes.size();
  PendingValues& pending = cluster->pending;
  size_t wanted = pending.num_cache_nodes ? static_cast<size_t>(*pending.num_cache_nodes) : present;
  if (mode == "cross-az" && wanted < 2) {
    return Bad(Fault::kInvalidParameterCombination,
               "Must have more than one cache node when the AZ mode is cross-az.");
  }
  if (mode == "single-az" && ZoneOf(*cluster) == "Multiple") {
    return Bad(Fault::kInvalidParameterCombination,
               "The AZ mode cannot be single-az while nodes are in several zones.");
  }
  cluster->az_mode = mode.value_or(cluster->az_mode);
  const std::vector<std::string>& all = call.api.site.zones;
  bool spreads = cluster->az_mode == "cross-az" && pending.new_zones.empty();
  for (size_t i = present; spreads && i < wanted; ++i)
    pending.new_zones.push_back(all[i % all.size()]);
  return NoError();
}

ApiError ReadNodeType(Arguments& args, CacheCluster* cluster) {
  std::string type = args.StringOr("CacheNodeType", "");
  if (type.empty()) return NoError();
  if (ApiError error = CheckNodeType(type)) return error;
  cluster->pending.node_type = type == cluster->node_type ? "" : type;
  return NoError();
}

// A version of another family needs a parameter group of that family in the same call, unless the
// present one is a default group, which then changes too.
ApiError ReadVersionAndGroup(ActionCall& call, CacheCluster* cluster) {
  std::string engine = LowerCase(call.args.StringOr("Engine", cluster->engine));
  if (engine != cluster->engine)
    return Bad(Fault::kInvalidParameterCombination,
               "The engine of a cache cluster cannot be changed; use a replication group.");
  std::string wanted = call.args.StringOr("EngineVersion", cluster->engine_version);
  const EngineVersion* version;
  if (ApiError error = ChooseVersion(cluster->engine, wanted, &version)) return error;
  if (CompareVersions(version->version, cluster->engine_version) < 0) {
    return Bad(Fault::kInvalidParameterCombination,
               fmt::format("Cannot downgrade from version {} to {}.", cluster->engine_version,
                           version->version));
  }
  std::string name =
      LowerCase(call.args.StringOr("CacheParameterGroupName", cluster->parameter_group));
  ParameterGroup group;
  if (ApiError error = LoadParameterGroup(call, name, &group)) return error;
  bool follows =
      FindDefaultParameterGroup(name).has_value() && !call.args.Has("CacheParameterGroupName");
  if (follows) {
    name = DefaultParameterGroupName(version->family);
  } else if (ApiError error = CheckFamily(group, *version)) {
    return error;
  }
  cluster->parameter_group = name;
  cluster->pending.engine_version =
      version->version == cluster->engine_version ? "" : std::string(version->version);
  return NoError();
}

ApiError ReadChanges(ActionCall& call, bool is_immediate, CacheCluster* cluster) {
  if (ApiError error = CheckNothingUnbuilt(call.args)) return error;
  if (ApiError error = ReadNodeCount(call, is_immediate, cluster)) return error;
  if (ApiError error = ReadZoneMode(call, cluster)) return error;
  return ReadMemberChanges(call, cluster);
}

}  // namespace

ApiError ReadMemberChanges(ActionCall& call, CacheCluster* cluster) {
  if (ApiError error = ReadNodeType(call.args, cluster)) return error;
  if (ApiError error = ReadVersionAndGroup(call, cluster)) return error;
  if (ApiError error = ReadWindows(call.args, cluster)) return error;
  return ReadCommonFields(call.args, cluster);
}

ApiError ModifyCacheCluster(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("CacheClusterId"));
  bool is_immediate = call.args.BoolOr("ApplyImmediately", false);
  if (call.args.error()) return call.args.error();
  Loaded<CacheCluster> loaded;
  if (ApiError error = LoadCluster(call, id, &loaded)) return error;
  CacheCluster& cluster = loaded.document;
  if (cluster.status != "available") {
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} is not in available state.", id));
  }
  CacheCluster before = cluster;
  if (ApiError error = ReadChanges(call, is_immediate, &cluster)) return error;

  std::string key = ClusterKey(id);
  Transaction transaction{.compares = {{key, loaded.revision}}, .puts = {}, .deletes = {}};
  if (is_immediate && !cluster.pending.empty()) {
    bool has_addresses = ApplyPending(&cluster, [&](const std::string& node_id) {
      return call.api.addresses->ReserveFurther(cluster.port, id + "." + node_id, &transaction);
    });
    if (!has_addresses)
      return Bad(Fault::kInsufficientCacheClusterCapacity,
                 fmt::format("No free address for port {}.", cluster.port));
  } else if (cluster.parameter_group != before.parameter_group) {
    cluster.status = "modifying";
  }
  if (cluster != before) {
    if (ApiError error = HoldGroups(call, cluster, &transaction)) return error;
    transaction.puts.push_back({key, ToJson(cluster)});
    if (ApiError error = Commit(call, transaction)) return error;
  }
  call.out.Element("CacheCluster",
                   [&] { WriteCacheCluster(call.out, cluster, call.api.site, false); });
  return NoError();
}

}  // namespace kiln
