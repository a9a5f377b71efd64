#include "control/aws/actions/replication_group_view.h"

#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/loading.h"

namespace kiln {
namespace {

void WriteMember(XmlWriter& out, const NodeGroup& shard, const CacheCluster& member) {
  const CacheNode& node = member.nodes.front();
  out.Text("CacheClusterId", member.id);
  out.Text("CacheNodeId", node.id);
  WriteEndpoint(out, "ReadEndpoint", node.endpoint);
  out.Text("PreferredAvailabilityZone", node.zone);
  out.Text("CurrentRole", member.id == shard.primary_cluster ? "primary" : "replica");
}

void WriteShard(ActionCall& call, const ReplicationGroup& group, const NodeGroup& shard) {
  XmlWriter& out = call.out;
  out.Text("NodeGroupId", shard.id);
  out.Text("Status", group.status);
  WriteEndpoint(out, "PrimaryEndpoint", shard.primary_endpoint);
  WriteEndpoint(out, "ReaderEndpoint", shard.reader_endpoint);
  out.Element("NodeGroupMembers", [&] {
    for (const std::string& id : shard.member_clusters) {
      Loaded<CacheCluster> member;
      if (LoadCluster(call, id, &member) || member.document.nodes.empty()) continue;
      out.Element("NodeGroupMember", [&] { WriteMember(out, shard, member.document); });
    }
  });
}

void WritePending(XmlWriter& out, const ReplicationGroup& group) {
  std::string promoting;
  for (const NodeGroup& shard : group.node_groups) {
    if (!shard.promoting.empty()) promoting = shard.promoting;
  }
  std::string failover;
  if (group.automatic_failover == "enabling") failover = "enabled";
  if (group.automatic_failover == "disabling") failover = "disabled";
  if (promoting.empty() && failover.empty()) return out.Empty("PendingModifiedValues");
  out.Element("PendingModifiedValues", [&] {
    out.OptionalText("PrimaryClusterId", promoting);
    out.OptionalText("AutomaticFailoverStatus", failover);
  });
}

}  // namespace

void WriteReplicationGroup(ActionCall& call, const ReplicationGroup& group) {
  XmlWriter& out = call.out;
  bool has_started = group.create_time_ms != 0 && group.status != "deleting";
  out.Text("ReplicationGroupId", group.id);
  out.Text("Description", group.description);
  out.Text("Status", group.status);
  WritePending(out, group);
  out.TextList("MemberClusters", "ClusterId", group.MemberClusters());
  if (has_started) {
    out.List("NodeGroups", "NodeGroup", group.node_groups,
             [&](const NodeGroup& shard) { WriteShard(call, group, shard); });
  }
  if (group.snapshot_retention_days > 0)
    out.OptionalText("SnapshottingClusterId", group.snapshotting_cluster);
  out.Text("AutomaticFailover", group.automatic_failover);
  out.Text("MultiAZ", group.is_multi_zone ? "enabled" : "disabled");
  out.Integer("SnapshotRetentionLimit", group.snapshot_retention_days);
  out.Text("SnapshotWindow", group.snapshot_window);
  out.Bool("ClusterEnabled", false);
  out.Text("CacheNodeType", group.node_type);
  out.Bool("AuthTokenEnabled", false);
  out.Bool("TransitEncryptionEnabled", false);
  out.Bool("AtRestEncryptionEnabled", false);
  out.Text("ARN", call.api.site.Arn("replicationgroup", group.id));
  out.Empty("LogDeliveryConfigurations");
  out.Time("ReplicationGroupCreateTime", group.create_time_ms);
  out.Text("DataTiering", "disabled");
  out.Bool("AutoMinorVersionUpgrade", group.has_auto_minor_upgrade);
  out.Text("NetworkType", group.network_type);
  out.Text("IpDiscovery", group.ip_discovery);
  out.Text("ClusterMode", "disabled");
  out.Text("Engine", group.engine);
}

}  // namespace kiln
