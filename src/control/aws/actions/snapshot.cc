// Snapshots: describing and deleting, their XML, and the rows of all their operations.
#include <fmt/format.h>

#include "control/aws/actions/loading.h"
#include "control/aws/actions/paging.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"
#include "control/model/subnet_groups.h"

namespace kiln {
namespace {

constexpr int64_t kMaxSnapshotsInPage = 50;
constexpr int64_t kMegabyte = 1 << 20;

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

void WriteConfiguration(XmlWriter& out, const NodeSnapshot& node) {
  out.Element("NodeGroupConfiguration", [&] {
    out.Text("NodeGroupId", node.node_group_id);
    out.Integer("ReplicaCount", static_cast<int64_t>(node.replica_zones.size()));
    out.OptionalText("PrimaryAvailabilityZone", node.primary_zone);
    out.TextList("ReplicaAvailabilityZones", "AvailabilityZone", node.replica_zones);
  });
}

void WriteNode(XmlWriter& out, const Snapshot& snapshot, const NodeSnapshot& node,
               bool with_configuration) {
  bool is_grouped = !snapshot.replication_group_id.empty();
  bool is_there = node.snapshot_create_time_ms != 0;
  int64_t megabytes = (node.bytes + kMegabyte - 1) / kMegabyte;
  if (is_grouped) {
    out.Text("CacheClusterId", node.cluster_id);
    out.Text("NodeGroupId", node.node_group_id);
  }
  out.Text("CacheNodeId", node.node_id);
  if (with_configuration && is_grouped) WriteConfiguration(out, node);
  out.Text("CacheSize", is_there ? fmt::format("{} MB", megabytes) : "");
  out.Time("CacheNodeCreateTime", node.node_create_time_ms);
  out.Time("SnapshotCreateTime", node.snapshot_create_time_ms);
}

struct Filter {
  std::string cluster_id;
  std::string group_id;
  std::string source;

  bool Lets(const Snapshot& snapshot) const {
    return (cluster_id.empty() || snapshot.cluster_id == cluster_id) &&
           (group_id.empty() || snapshot.replication_group_id == group_id) &&
           (source.empty() || snapshot.source == source);
  }
};

Filter ReadFilter(Arguments& args) {
  Filter filter;
  filter.cluster_id = LowerCase(args.StringOr("CacheClusterId", ""));
  filter.group_id = LowerCase(args.StringOr("ReplicationGroupId", ""));
  filter.source =
      args.OneOf("SnapshotSource", {"system", "user", "automated", "manual"}).value_or("");
  if (filter.source == "system") filter.source = "automated";
  if (filter.source == "user") filter.source = "manual";
  return filter;
}

// CacheClusterId, ReplicationGroupId, SnapshotName, SnapshotSource, MaxRecords, Marker,
// ShowNodeGroupConfig
ApiError DescribeSnapshots(ActionCall& call) {
  std::string name = LowerCase(call.args.StringOr("SnapshotName", ""));
  Filter filter = ReadFilter(call.args);
  bool with_configuration = call.args.BoolOr("ShowNodeGroupConfig", false);
  PageRequest request = ReadPageRequest(call.args, kMaxSnapshotsInPage);
  if (call.args.error()) return call.args.error();
  Page<Snapshot> page;
  if (!name.empty()) {
    Loaded<Snapshot> loaded;
    if (ApiError error = LoadSnapshot(call, name, &loaded)) return error;
    if (filter.Lets(loaded.document)) page.items.push_back(std::move(loaded.document));
  } else if (ApiError error = ListPage<Snapshot>(
                 call, kSnapshotPrefix, request,
                 [&](const Snapshot& snapshot) { return filter.Lets(snapshot); }, &page)) {
    return error;
  }
  call.out.OptionalText("Marker", page.marker);
  call.out.List("Snapshots", "Snapshot", page.items, [&](const Snapshot& snapshot) {
    WriteSnapshot(call.out, snapshot, call.api.site, with_configuration);
  });
  return NoError();
}

// Whether another snapshot is being made from it.
ApiError CheckNotCopied(ActionCall& call, const std::string& name) {
  auto all = LoadAll<Snapshot>(call.api.store, kSnapshotPrefix);
  if (!all) return ActionCall::StoreTrouble(all.error());
  for (const Snapshot& other : *all) {
    if (other.status == "copying" && other.copy_of == name)
      return Bad(Fault::kInvalidSnapshotState,
                 fmt::format("Snapshot {} is being copied to {}.", name, other.name));
  }
  return NoError();
}

// SnapshotName
ApiError DeleteSnapshot(ActionCall& call) {
  std::string name = LowerCase(call.args.Required("SnapshotName"));
  if (call.args.error()) return call.args.error();
  Loaded<Snapshot> loaded;
  if (ApiError error = LoadSnapshot(call, name, &loaded)) return error;
  Snapshot& snapshot = loaded.document;
  if (snapshot.status != "available" && snapshot.status != "failed") {
    return Bad(Fault::kInvalidSnapshotState,
               fmt::format("Snapshot {} has status {} which is not valid for deletion.", name,
                           snapshot.status));
  }
  if (ApiError error = CheckNotCopied(call, name)) return error;
  snapshot.status = "deleting";
  if (ApiError error = Replace(call, SnapshotKey(name), loaded)) return error;
  call.out.Element("Snapshot", [&] { WriteSnapshot(call.out, snapshot, call.api.site, false); });
  return NoError();
}

constexpr Action kActions[] = {
    {"CopySnapshot", CopySnapshot},
    {"CreateSnapshot", CreateSnapshot},
    {"DeleteSnapshot", DeleteSnapshot},
    {"DescribeSnapshots", DescribeSnapshots},
};

}  // namespace

void WriteSnapshot(XmlWriter& out, const Snapshot& snapshot, const Site& site,
                   bool with_configuration) {
  bool is_grouped = !snapshot.replication_group_id.empty();
  out.Text("SnapshotName", snapshot.name);
  out.OptionalText("ReplicationGroupId", snapshot.replication_group_id);
  out.OptionalText("ReplicationGroupDescription", snapshot.replication_group_description);
  out.OptionalText("CacheClusterId", snapshot.cluster_id);
  out.Text("SnapshotStatus", snapshot.status);
  out.Text("SnapshotSource", snapshot.source);
  out.Text("CacheNodeType", snapshot.node_type);
  out.Text("Engine", snapshot.engine);
  out.Text("EngineVersion", snapshot.engine_version);
  out.Integer("NumCacheNodes", snapshot.num_cache_nodes);
  out.OptionalText("PreferredAvailabilityZone", snapshot.zone);
  out.Time("CacheClusterCreateTime", snapshot.cluster_create_time_ms);
  out.OptionalText("PreferredMaintenanceWindow", snapshot.maintenance_window);
  out.OptionalText("TopicArn", snapshot.notification_topic);
  out.Integer("Port", snapshot.port);
  out.OptionalText("CacheParameterGroupName", snapshot.parameter_group);
  out.OptionalText("CacheSubnetGroupName", snapshot.subnet_group);
  out.Text("VpcId", kVpcId);
  out.Bool("AutoMinorVersionUpgrade", snapshot.has_auto_minor_upgrade);
  out.Integer("SnapshotRetentionLimit", snapshot.snapshot_retention_days);
  out.OptionalText("SnapshotWindow", snapshot.snapshot_window);
  if (is_grouped) {
    out.Integer("NumNodeGroups", static_cast<int64_t>(snapshot.nodes.size()));
    out.OptionalText("AutomaticFailover", snapshot.automatic_failover);
  }
  out.List("NodeSnapshots", "NodeSnapshot", snapshot.nodes,
           [&](const NodeSnapshot& node) { WriteNode(out, snapshot, node, with_configuration); });
  out.Text("ARN", site.Arn("snapshot", snapshot.name));
  out.Text("DataTiering", "disabled");
}

std::span<const Action> SnapshotActions() {
  return kActions;
}

}  // namespace kiln
