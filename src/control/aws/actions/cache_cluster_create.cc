// CreateCacheCluster.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_actions.h"
#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_actions.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/cluster_changes.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"
#include "control/model/windows.h"

namespace kiln {
namespace {

constexpr int kMaxMemcachedNodes = 40;
constexpr int kMaxPort = 65535;
constexpr int kRedisPort = 6379;
constexpr int kMemcachedPort = 11211;

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

ApiError ReadEngine(Arguments& args, CacheCluster* cluster) {
  cluster->engine = LowerCase(args.Required("Engine"));
  if (args.error()) return args.error();
  if (cluster->engine == "valkey") {
    return Bad(Fault::kInvalidParameterValue,
               "This API doesn't support Valkey engine. Please use CreateReplicationGroup API for "
               "Valkey cluster creation.");
  }
  if (cluster->engine != "redis" && cluster->engine != "memcached")
    return Bad(
        Fault::kInvalidParameterValue,
        fmt::format("Invalid engine name: {}. Valid values: memcached, redis", cluster->engine));
  return NoError();
}

ApiError ReadParameterGroup(ActionCall& call, CacheCluster* cluster) {
  const EngineVersion* version;
  if (ApiError error =
          ChooseVersion(cluster->engine, call.args.StringOr("EngineVersion", ""), &version))
    return error;
  cluster->engine_version = version->version;
  cluster->parameter_group = LowerCase(
      call.args.StringOr("CacheParameterGroupName", DefaultParameterGroupName(version->family)));
  ParameterGroup group;
  if (ApiError error = LoadParameterGroup(call, cluster->parameter_group, &group)) return error;
  if (ApiError error = CheckFamily(group, *version)) return error;
  if (group.values.contains("cluster-enabled") && group.values["cluster-enabled"] == "yes")
    return Bad(Fault::kInvalidParameterCombination,
               "A parameter group with cluster-enabled set to yes needs a replication group.");
  return NoError();
}

ApiError ReadNodeCount(Arguments& args, const CacheCluster& cluster, size_t* count) {
  int64_t wanted = args.Integer("NumCacheNodes", 1, 1000).value_or(1);
  if (args.error()) return args.error();
  if (!cluster.IsMemcached() && wanted != 1) {
    return Bad(Fault::kInvalidParameterValue,
               "Cannot create a Redis cluster with a NumCacheNodes parameter greater than 1.");
  }
  if (wanted > kMaxMemcachedNodes) {
    return Bad(Fault::kNodeQuotaForClusterExceeded,
               fmt::format("Cluster node quota exceeded. Each cluster can have at most {} nodes in "
                           "this region.",
                           kMaxMemcachedNodes));
  }
  *count = static_cast<size_t>(wanted);
  return NoError();
}

// A zone for each node.
ApiError ReadZones(ActionCall& call, const CacheCluster& cluster, size_t count,
                   std::vector<std::string>* zones) {
  const std::vector<std::string>& all = call.api.site.zones;
  std::vector<std::string> given =
      call.args.List("PreferredAvailabilityZones", "PreferredAvailabilityZone");
  std::string single = call.args.StringOr("PreferredAvailabilityZone", "");
  if (!given.empty() && given.size() != count) {
    return Bad(Fault::kInvalidParameterCombination,
               "Must specify the same number of preferred availability zones as requested number "
               "of nodes.");
  }
  bool is_cross_zone = cluster.az_mode == "cross-az";
  if (is_cross_zone && count < 2) {
    return Bad(Fault::kInvalidParameterCombination,
               "Must have more than one cache node when the AZ mode is cross-az.");
  }
  bool spreads = is_cross_zone && (single.empty() || single == "Multiple");
  std::string first = spreads || single.empty() || single == "Multiple" ? all.front() : single;
  for (size_t i = 0; i < count; ++i) {
    if (!given.empty()) {
      zones->push_back(given[i]);
    } else {
      zones->push_back(spreads ? all[i % all.size()] : first);
    }
    if (ApiError error = CheckZone(call.api.site, zones->back())) return error;
  }
  return NoError();
}

ApiError ReadPlace(ActionCall& call, CacheCluster* cluster) {
  int default_port = cluster->IsMemcached() ? kMemcachedPort : kRedisPort;
  std::optional<int64_t> port = call.args.Integer("Port", 1, kMaxPort);
  // Where all caches share an address, each port is somebody's; the book then chooses.
  bool shares_address = call.api.site.address_mode == AddressMode::kHost;
  cluster->port = static_cast<int>(port.value_or(shares_address ? 0 : default_port));
  cluster->az_mode = call.args.OneOf("AZMode", {"single-az", "cross-az"}).value_or("single-az");
  cluster->subnet_group = LowerCase(call.args.StringOr("CacheSubnetGroupName", "default"));
  if (call.args.error()) return call.args.error();
  return CheckSubnetGroup(call, cluster->subnet_group);
}

// The port asked for is that of the configuration endpoint, or of the one node.
ApiError ReserveNodes(ActionCall& call, const std::vector<std::string>& zones,
                      CacheCluster* cluster, Transaction* transaction) {
  AddressBook& book = *call.api.addresses;
  std::optional<Endpoint> first = book.Reserve(cluster->port, cluster->id, transaction);
  bool has_all = first.has_value();
  if (has_all && cluster->IsMemcached()) cluster->configuration_endpoint = *first;
  for (size_t i = 0; has_all && i < zones.size(); ++i) {
    std::string owner = cluster->id + "." + NodeIdText(cluster->next_node_number);
    std::optional<Endpoint> own =
        cluster->IsMemcached() ? book.ReserveFurther(cluster->port, owner, transaction) : first;
    has_all = own.has_value();
    if (has_all) AddNode(cluster, *own, zones[i]);
  }
  if (has_all) {
    cluster->port = first->port;
    return NoError();
  }
  return Bad(Fault::kInsufficientCacheClusterCapacity,
             fmt::format("No free address for port {}.", cluster->port));
}

ApiError ReadCluster(ActionCall& call, CacheCluster* cluster, std::vector<std::string>* zones) {
  size_t count = 0;
  if (ApiError error = CheckIdentifier("CacheClusterIdentifier", cluster->id, kMaxClusterIdBytes))
    return error;
  if (ApiError error = ReadEngine(call.args, cluster)) return error;
  if (ApiError error = CheckNothingUnbuilt(call.args)) return error;
  cluster->node_type = call.args.Required("CacheNodeType");
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNodeType(cluster->node_type)) return error;
  if (ApiError error = ReadNodeCount(call.args, *cluster, &count)) return error;
  if (ApiError error = ReadParameterGroup(call, cluster)) return error;
  if (ApiError error = ReadPlace(call, cluster)) return error;
  if (ApiError error = ReadZones(call, *cluster, count, zones)) return error;
  cluster->maintenance_window = DefaultMaintenanceWindow(cluster->id);
  if (!cluster->IsMemcached()) cluster->snapshot_window = DefaultSnapshotWindow(cluster->id);
  if (ApiError error = ReadWindows(call.args, cluster)) return error;
  if (ApiError error = ReadCommonFields(call.args, cluster)) return error;
  cluster->tags = ReadTags(call.args);
  return call.args.error();
}

}  // namespace

ApiError CreateCacheCluster(ActionCall& call) {
  CacheCluster cluster;
  cluster.id = LowerCase(call.args.Required("CacheClusterId"));
  if (call.args.error()) return call.args.error();
  if (call.args.Has("ReplicationGroupId"))
    return CreateReplica(call, cluster.id, LowerCase(call.args.StringOr("ReplicationGroupId", "")));
  std::vector<std::string> zones;
  SeedRequest seed;
  if (ApiError error = ReadSeed(call, &seed)) return error;
  InheritFromSnapshot(call, seed);
  if (ApiError error = ReadCluster(call, &cluster, &zones)) return error;
  if (ApiError error = CheckSeedFits(seed, cluster)) return error;
  cluster.seed = seed.seed;
  ApiError exists = Bad(Fault::kCacheClusterAlreadyExists,
                        fmt::format("Cache cluster {} already exists.", cluster.id));
  Loaded<CacheCluster> present;
  if (!LoadCluster(call, cluster.id, &present)) return exists;
  if (ApiError error = CheckNodeQuota(call, zones.size())) return error;

  std::string key = ClusterKey(cluster.id);
  Transaction transaction{.compares = {{key, 0}}, .puts = {}, .deletes = {}};
  if (ApiError error = ReserveNodes(call, zones, &cluster, &transaction)) return error;
  if (ApiError error = HoldGroups(call, cluster, &transaction)) return error;
  HoldSeed(seed, &transaction);
  transaction.puts.push_back({key, ToJson(cluster)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("CacheCluster",
                   [&] { WriteCacheCluster(call.out, cluster, call.api.site, false); });
  return NoError();
}

}  // namespace kiln
