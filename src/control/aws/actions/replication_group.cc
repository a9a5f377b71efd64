// Replication groups of one node: enough for valkey, which has no other way to be created.
//
// Replicas, shards and failover are refused.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
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

void WriteNodeGroup(XmlWriter& out, const ReplicationGroup& group, const CacheCluster& member) {
  out.Text("NodeGroupId", "0001");
  out.Text("Status", group.status);
  WriteEndpoint(out, "PrimaryEndpoint", group.primary_endpoint);
  WriteEndpoint(out, "ReaderEndpoint", group.reader_endpoint);
  out.Element("NodeGroupMembers", [&] {
    out.Element("NodeGroupMember", [&] {
      out.Text("CacheClusterId", member.id);
      out.Text("CacheNodeId", "0001");
      WriteEndpoint(out, "ReadEndpoint", member.nodes.front().endpoint);
      out.Text("PreferredAvailabilityZone", member.nodes.front().zone);
      out.Text("CurrentRole", "primary");
    });
  });
}

// The members of a ReplicationGroup, into an element that is open. `member` may be null.
void WriteGroup(XmlWriter& out, const ReplicationGroup& group, const CacheCluster* member,
                const Site& site) {
  bool has_started = group.create_time_ms != 0 && group.status != "deleting";
  out.Text("ReplicationGroupId", group.id);
  out.Text("Description", group.description);
  out.Text("Status", group.status);
  out.Empty("PendingModifiedValues");
  out.TextList("MemberClusters", "ClusterId", group.member_clusters);
  if (has_started && member != nullptr && !member->nodes.empty()) {
    out.Element("NodeGroups",
                [&] { out.Element("NodeGroup", [&] { WriteNodeGroup(out, group, *member); }); });
  }
  out.Text("AutomaticFailover", "disabled");
  out.Text("MultiAZ", "disabled");
  out.Integer("SnapshotRetentionLimit", group.snapshot_retention_days);
  out.Text("SnapshotWindow", group.snapshot_window);
  out.Bool("ClusterEnabled", false);
  out.Text("CacheNodeType", group.node_type);
  out.Bool("AuthTokenEnabled", false);
  out.Bool("TransitEncryptionEnabled", false);
  out.Bool("AtRestEncryptionEnabled", false);
  out.Text("ARN", site.Arn("replicationgroup", group.id));
  out.Empty("LogDeliveryConfigurations");
  out.Time("ReplicationGroupCreateTime", group.create_time_ms);
  out.Text("DataTiering", "disabled");
  out.Bool("AutoMinorVersionUpgrade", group.has_auto_minor_upgrade);
  out.Text("NetworkType", group.network_type);
  out.Text("IpDiscovery", group.ip_discovery);
  out.Text("ClusterMode", "disabled");
  out.Text("Engine", group.engine);
}

ApiError WriteWithMember(ActionCall& call, const ReplicationGroup& group) {
  Loaded<CacheCluster> member;
  bool has_member = !LoadCluster(call, group.primary_cluster, &member);
  WriteGroup(call.out, group, has_member ? &member.document : nullptr, call.api.site);
  return NoError();
}

ApiError CheckOneNode(Arguments& args) {
  int64_t nodes = args.Integer("NumCacheClusters", 1, 6).value_or(1);
  int64_t shards = args.Integer("NumNodeGroups", 1, 500).value_or(1);
  int64_t replicas = args.Integer("ReplicasPerNodeGroup", 0, 5).value_or(0);
  bool has_failover = args.BoolOr("AutomaticFailoverEnabled", false);
  bool is_multi_zone = args.BoolOr("MultiAZEnabled", false);
  std::string mode =
      args.OneOf("ClusterMode", {"enabled", "disabled", "compatible"}).value_or("disabled");
  if (args.error()) return args.error();
  if (has_failover && nodes < 2 && replicas == 0) {
    return Bad(Fault::kInvalidParameterCombination,
               "When using automatic failover, there must be at least 2 cache clusters in the "
               "replication group.");
  }
  if (nodes > 1 || replicas > 0) return Unbuilt("More than one node in a replication group");
  if (shards > 1 || mode != "disabled") return Unbuilt("Cluster mode");
  if (is_multi_zone || has_failover) return Unbuilt("Multi-AZ");
  if (args.Has("PrimaryClusterId")) return Unbuilt("PrimaryClusterId");
  if (!args.Structures("NodeGroupConfiguration", "NodeGroupConfiguration").empty())
    return Unbuilt("NodeGroupConfiguration");
  return NoError();
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
  if (ApiError error = CheckOneNode(call.args)) return error;
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

ApiError ReadZone(ActionCall& call, std::string* zone) {
  std::vector<std::string> zones = call.args.List("PreferredCacheClusterAZs", "AvailabilityZone");
  if (zones.size() > 1) {
    return Bad(Fault::kInvalidParameterValue,
               "When specifying preferred availability zones, the number of cache clusters must be "
               "specified and must match the number of preferred availability zones.");
  }
  *zone = zones.empty() ? call.api.site.zones.front() : zones.front();
  return CheckZone(call.api.site, *zone);
}

ReplicationGroup GroupOf(const CacheCluster& member, std::string description) {
  ReplicationGroup group;
  group.id = member.replication_group_id;
  group.description = std::move(description);
  group.engine = member.engine;
  group.node_type = member.node_type;
  group.member_clusters = {member.id};
  group.primary_cluster = member.id;
  group.snapshot_window = member.snapshot_window;
  group.snapshot_retention_days = member.snapshot_retention_days;
  group.has_auto_minor_upgrade = member.has_auto_minor_upgrade;
  group.tags = member.tags;
  return group;
}

// Where all share the machine's address the endpoints are further ports.
ApiError ReserveAddresses(ActionCall& call, const std::string& zone, CacheCluster* member,
                          ReplicationGroup* group, Transaction* transaction) {
  AddressBook& book = *call.api.addresses;
  int port = member->port;
  std::optional<Endpoint> primary = book.Reserve(port, group->id + ".primary", transaction);
  std::optional<Endpoint> reader = book.ReserveFurther(port, group->id + ".reader", transaction);
  std::optional<Endpoint> own = book.ReserveFurther(port, member->id + ".0001", transaction);
  if (!primary || !reader || !own)
    return Bad(Fault::kInsufficientCacheClusterCapacity,
               fmt::format("No free address for port {}.", member->port));
  group->primary_endpoint = *primary;
  group->reader_endpoint = *reader;
  member->port = primary->port;
  AddNode(member, *own, zone);
  return NoError();
}

ApiError CreateReplicationGroup(ActionCall& call) {
  CacheCluster member;
  member.replication_group_id = LowerCase(call.args.Required("ReplicationGroupId"));
  std::string description = call.args.Required("ReplicationGroupDescription");
  if (call.args.error()) return call.args.error();
  const std::string& id = member.replication_group_id;
  if (ApiError error = CheckIdentifier("ReplicationGroupId", id, kMaxReplicationGroupIdBytes))
    return error;
  member.id = id + "-001";
  if (ApiError error = ReadMember(call, &member)) return error;
  std::string zone;
  if (ApiError error = ReadZone(call, &zone)) return error;
  Loaded<ReplicationGroup> present;
  if (!LoadReplicationGroup(call, id, &present)) {
    return Bad(Fault::kReplicationGroupAlreadyExists,
               fmt::format("Replication group {} already exists.", id));
  }
  Loaded<CacheCluster> other;
  if (!LoadCluster(call, member.id, &other))
    return Bad(Fault::kCacheClusterAlreadyExists,
               fmt::format("Cache cluster {} already exists.", member.id));
  if (ApiError error = CheckNodeQuota(call, 1)) return error;

  ReplicationGroup group = GroupOf(member, description);
  Transaction transaction{.compares = {{ReplicationGroupKey(id), 0}, {ClusterKey(member.id), 0}},
                          .puts = {},
                          .deletes = {}};
  if (ApiError error = ReserveAddresses(call, zone, &member, &group, &transaction)) return error;
  if (ApiError error = HoldGroups(call, member, &transaction)) return error;
  transaction.puts.push_back({ReplicationGroupKey(id), ToJson(group)});
  transaction.puts.push_back({ClusterKey(member.id), ToJson(member)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup",
                   [&] { WriteGroup(call.out, group, nullptr, call.api.site); });
  return NoError();
}

// ReplicationGroupId, MaxRecords, Marker
ApiError DescribeReplicationGroups(ActionCall& call) {
  std::string id = LowerCase(call.args.StringOr("ReplicationGroupId", ""));
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();
  Page<ReplicationGroup> page;
  if (!id.empty()) {
    Loaded<ReplicationGroup> loaded;
    if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
    page.items.push_back(std::move(loaded.document));
  } else if (ApiError error = ListPage<ReplicationGroup>(
                 call, kReplicationGroupPrefix, request,
                 [](const ReplicationGroup&) { return true; }, &page)) {
    return error;
  }
  call.out.OptionalText("Marker", page.marker);
  call.out.List("ReplicationGroups", "ReplicationGroup", page.items,
                [&](const ReplicationGroup& group) { (void)WriteWithMember(call, group); });
  return NoError();
}

// ReplicationGroupId, RetainPrimaryCluster, FinalSnapshotIdentifier
ApiError DeleteReplicationGroup(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  bool retains = call.args.BoolOr("RetainPrimaryCluster", false);
  if (call.args.error()) return call.args.error();
  Loaded<ReplicationGroup> loaded;
  if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
  if (call.args.Has("FinalSnapshotIdentifier")) return Unbuilt("FinalSnapshotIdentifier");
  if (retains) return Unbuilt("RetainPrimaryCluster");
  ReplicationGroup& group = loaded.document;
  bool may_go = group.status == "available" || group.status == "create-failed";
  std::string key = ReplicationGroupKey(id);
  Transaction transaction{.compares = {{key, loaded.revision}}, .puts = {}, .deletes = {}};
  for (const std::string& member_id : group.member_clusters) {
    Loaded<CacheCluster> member;
    if (LoadCluster(call, member_id, &member)) continue;  // Gone already.
    may_go = may_go || IsStuck(member.document);
    member.document.status = "deleting";
    transaction.compares.push_back({ClusterKey(member_id), member.revision});
    transaction.puts.push_back({ClusterKey(member_id), ToJson(member.document)});
  }
  if (!may_go) {
    return Bad(Fault::kInvalidReplicationGroupState,
               fmt::format("Replication group {} has status {} which is not valid for deletion.",
                           id, group.status));
  }
  group.status = "deleting";
  transaction.puts.push_back({key, ToJson(group)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { (void)WriteWithMember(call, group); });
  return NoError();
}

constexpr Action kActions[] = {
    {"CreateReplicationGroup", CreateReplicationGroup},
    {"DeleteReplicationGroup", DeleteReplicationGroup},
    {"DescribeReplicationGroups", DescribeReplicationGroups},
};

}  // namespace

std::span<const Action> ReplicationGroupActions() {
  return kActions;
}

}  // namespace kiln
