// CreateReplicationGroup: a shard with a primary and up to five replicas.
#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_actions.h"
#include "control/aws/actions/replication_group_view.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/cluster_changes.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"
#include "control/model/windows.h"

namespace kiln {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kDefaultPort = 6379;

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

ApiError Unbuilt(std::string_view what) {
  return Bad(Fault::kUnsupportedOperation, fmt::format("{} is not supported by Kiln yet.", what));
}

// What the call says of the group's shape.
struct Shape {
  size_t nodes = 1;
  bool has_failover = false;
  bool is_multi_zone = false;
  std::vector<std::string> zones;  // One for each node.
};

ApiError CheckFailover(const Shape& shape) {
  if (shape.has_failover && shape.nodes < 2) {
    return Bad(Fault::kInvalidParameterCombination,
               "When using automatic failover, there must be at least 2 cache clusters in the "
               "replication group.");
  }
  if (shape.is_multi_zone && !shape.has_failover) {
    return Bad(Fault::kInvalidParameterCombination,
               "Automatic failover must be enabled when Multi-AZ is enabled.");
  }
  return NoError();
}

// Those given, or the site's in turn.
ApiError ReadZones(ActionCall& call, Shape* shape) {
  shape->zones = call.args.List("PreferredCacheClusterAZs", "AvailabilityZone");
  if (!shape->zones.empty() && shape->zones.size() != shape->nodes) {
    return Bad(Fault::kInvalidParameterValue,
               "When specifying preferred availability zones, the number of cache clusters must be "
               "specified and must match the number of preferred availability zones.");
  }
  const std::vector<std::string>& all = call.api.site.zones;
  for (size_t i = shape->zones.size(); i < shape->nodes; ++i)
    shape->zones.push_back(all[i % all.size()]);
  for (const std::string& zone : shape->zones) {
    if (ApiError error = CheckZone(call.api.site, zone)) return error;
  }
  return NoError();
}

ApiError ReadShape(ActionCall& call, Shape* shape) {
  Arguments& args = call.args;
  std::optional<int64_t> nodes = args.Integer("NumCacheClusters", 1, kMaxReplicas + 1);
  int64_t shards = args.Integer("NumNodeGroups", 1, 500).value_or(1);
  std::optional<int64_t> replicas = args.Integer("ReplicasPerNodeGroup", 0, kMaxReplicas);
  shape->has_failover = args.BoolOr("AutomaticFailoverEnabled", false);
  shape->is_multi_zone = args.BoolOr("MultiAZEnabled", false);
  std::string mode =
      args.OneOf("ClusterMode", {"enabled", "disabled", "compatible"}).value_or("disabled");
  if (args.error()) return args.error();
  if (nodes && (replicas || args.Has("NumNodeGroups"))) {
    return Bad(Fault::kInvalidParameterCombination,
               "NumCacheClusters cannot be given together with NumNodeGroups or "
               "ReplicasPerNodeGroup.");
  }
  if (shards > 1 || mode != "disabled") return Unbuilt("Cluster mode");
  if (args.Has("PrimaryClusterId")) return Unbuilt("PrimaryClusterId");
  if (!args.Structures("NodeGroupConfiguration", "NodeGroupConfiguration").empty())
    return Unbuilt("NodeGroupConfiguration");
  shape->nodes = static_cast<size_t>(nodes.value_or(replicas.value_or(0) + 1));
  if (ApiError error = CheckFailover(*shape)) return error;
  return ReadZones(call, shape);
}

ApiError ReadEngine(ActionCall& call, CacheCluster* member) {
  member->engine = LowerCase(call.args.StringOr("Engine", "redis"));
  if (member->engine != "redis" && member->engine != "valkey") {
    return Bad(Fault::kInvalidParameterValue,
               fmt::format("Invalid engine name: {}. Valid values: redis, valkey", member->engine));
  }
  const EngineVersion* version;
  if (ApiError error =
          ChooseVersion(member->engine, call.args.StringOr("EngineVersion", ""), &version))
    return error;
  member->engine_version = version->version;
  member->parameter_group = LowerCase(
      call.args.StringOr("CacheParameterGroupName", DefaultParameterGroupName(version->family)));
  ParameterGroup parameters;
  if (ApiError error = LoadParameterGroup(call, member->parameter_group, &parameters)) return error;
  if (ApiError error = CheckFamily(parameters, *version)) return error;
  if (parameters.values.contains("cluster-enabled") &&
      parameters.values["cluster-enabled"] == "yes")
    return Unbuilt("Cluster mode");
  return NoError();
}

ApiError ReadMember(ActionCall& call, CacheCluster* member) {
  if (ApiError error = CheckNothingUnbuilt(call.args)) return error;
  if (ApiError error = ReadEngine(call, member)) return error;
  member->node_type = call.args.Required("CacheNodeType");
  bool shares_address = call.api.site.address_mode == AddressMode::kHost;
  member->port = static_cast<int>(
      call.args.Integer("Port", 1, kMaxPort).value_or(shares_address ? 0 : kDefaultPort));
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNodeType(member->node_type)) return error;
  member->subnet_group = LowerCase(call.args.StringOr("CacheSubnetGroupName", "default"));
  if (ApiError error = CheckSubnetGroup(call, member->subnet_group)) return error;
  member->maintenance_window = DefaultMaintenanceWindow(member->id);
  member->snapshot_window = DefaultSnapshotWindow(member->id);
  if (ApiError error = ReadWindows(call.args, member)) return error;
  if (ApiError error = ReadCommonFields(call.args, member)) return error;
  member->tags = ReadTags(call.args);
  return call.args.error();
}

std::string NewSecret() {
  std::array<unsigned char, 20> bytes;
  KILN_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

ReplicationGroup GroupOf(const CacheCluster& member, const Shape& shape, std::string description) {
  ReplicationGroup group;
  group.id = member.replication_group_id;
  group.description = std::move(description);
  group.engine = member.engine;
  group.node_type = member.node_type;
  group.automatic_failover = shape.has_failover ? "enabling" : "disabled";
  group.is_multi_zone = shape.is_multi_zone;
  group.secret = NewSecret();
  group.snapshot_window = member.snapshot_window;
  group.snapshot_retention_days = member.snapshot_retention_days;
  group.has_auto_minor_upgrade = member.has_auto_minor_upgrade;
  group.tags = member.tags;
  NodeGroup& shard = group.node_groups.emplace_back();
  for (size_t i = 0; i < shape.nodes; ++i) shard.member_clusters.push_back(NextMemberId(&group));
  shard.primary_cluster = shard.member_clusters.front();
  if (group.snapshot_retention_days > 0) group.snapshotting_cluster = shard.member_clusters.back();
  return group;
}

// Where all share the machine's address the endpoints are further ports.
ApiError ReserveEndpoints(ActionCall& call, CacheCluster* member, ReplicationGroup* group,
                          Transaction* transaction) {
  AddressBook& book = *call.api.addresses;
  NodeGroup& shard = group->node_groups.front();
  std::optional<Endpoint> primary = book.Reserve(member->port, group->id + ".primary", transaction);
  std::optional<Endpoint> reader =
      book.ReserveFurther(member->port, group->id + ".reader", transaction);
  if (!primary || !reader)
    return Bad(Fault::kInsufficientCacheClusterCapacity,
               fmt::format("No free address for port {}.", member->port));
  shard.primary_endpoint = *primary;
  shard.reader_endpoint = *reader;
  member->port = primary->port;
  return NoError();
}

// Each member is a cluster of its own.
ApiError PutMembers(ActionCall& call, const CacheCluster& like, const Shape& shape,
                    const ReplicationGroup& group, Transaction* transaction) {
  const std::vector<std::string>& ids = group.node_groups.front().member_clusters;
  for (size_t i = 0; i < ids.size(); ++i) {
    Loaded<CacheCluster> other;
    if (!LoadCluster(call, ids[i], &other))
      return Bad(Fault::kCacheClusterAlreadyExists,
                 fmt::format("Cache cluster {} already exists.", ids[i]));
    CacheCluster member = like;
    member.id = ids[i];
    if (i > 0) member.seed.clear();  // Replicas have it from the primary.
    std::optional<Endpoint> own =
        call.api.addresses->ReserveFurther(member.port, ids[i] + ".0001", transaction);
    if (!own)
      return Bad(Fault::kInsufficientCacheClusterCapacity,
                 fmt::format("No free address for port {}.", member.port));
    AddNode(&member, *own, shape.zones[i]);
    transaction->compares.push_back({ClusterKey(member.id), 0});
    transaction->puts.push_back({ClusterKey(member.id), ToJson(member)});
  }
  return HoldGroups(call, like, transaction);
}

}  // namespace

ApiError CreateReplicationGroup(ActionCall& call) {
  CacheCluster member;
  member.replication_group_id = LowerCase(call.args.Required("ReplicationGroupId"));
  std::string description = call.args.Required("ReplicationGroupDescription");
  if (call.args.error()) return call.args.error();
  const std::string& id = member.replication_group_id;
  if (ApiError error = CheckIdentifier("ReplicationGroupId", id, kMaxReplicationGroupIdBytes))
    return error;
  member.id = id + "-001";
  Shape shape;
  if (ApiError error = ReadShape(call, &shape)) return error;
  SeedRequest seed;
  if (ApiError error = ReadSeed(call, &seed)) return error;
  InheritFromSnapshot(call, seed);
  if (ApiError error = ReadMember(call, &member)) return error;
  if (ApiError error = CheckSeedFits(seed, member)) return error;
  member.seed = seed.seed;
  Loaded<ReplicationGroup> present;
  if (!LoadReplicationGroup(call, id, &present)) {
    return Bad(Fault::kReplicationGroupAlreadyExists,
               fmt::format("Replication group {} already exists.", id));
  }
  if (ApiError error = CheckNodeQuota(call, shape.nodes)) return error;

  ReplicationGroup group = GroupOf(member, shape, description);
  Transaction transaction{.compares = {{ReplicationGroupKey(id), 0}}, .puts = {}, .deletes = {}};
  if (ApiError error = ReserveEndpoints(call, &member, &group, &transaction)) return error;
  if (ApiError error = PutMembers(call, member, shape, group, &transaction)) return error;
  HoldSeed(seed, &transaction);
  transaction.puts.push_back({ReplicationGroupKey(id), ToJson(group)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group); });
  return NoError();
}

}  // namespace kiln
