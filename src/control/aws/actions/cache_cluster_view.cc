#include "control/aws/actions/cache_cluster_view.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr std::string_view kClientDownloads =
    "https://console.aws.amazon.com/elasticache/home#client-download:";

void WriteNode(XmlWriter& out, const CacheNode& node) {
  bool has_started = node.create_time_ms != 0;
  out.Text("CacheNodeId", node.id);
  out.Text("CacheNodeStatus", node.status);
  out.Time("CacheNodeCreateTime", node.create_time_ms);
  if (has_started) WriteEndpoint(out, "Endpoint", node.endpoint);
  out.Text("ParameterGroupStatus", node.is_pending_reboot ? "pending-reboot" : "in-sync");
  out.Text("CustomerAvailabilityZone", node.zone);
}

void WritePending(XmlWriter& out, const PendingValues& pending) {
  if (pending.empty()) return out.Empty("PendingModifiedValues");
  out.Element("PendingModifiedValues", [&] {
    if (pending.num_cache_nodes) out.Integer("NumCacheNodes", *pending.num_cache_nodes);
    if (!pending.node_ids_to_remove.empty())
      out.TextList("CacheNodeIdsToRemove", "CacheNodeId", pending.node_ids_to_remove);
    out.OptionalText("EngineVersion", pending.engine_version);
    out.OptionalText("CacheNodeType", pending.node_type);
  });
}

void WriteParameterGroup(XmlWriter& out, const CacheCluster& cluster) {
  std::vector<std::string> to_reboot;
  for (const CacheNode& node : cluster.nodes) {
    if (node.is_pending_reboot) to_reboot.push_back(node.id);
  }
  out.Element("CacheParameterGroup", [&] {
    out.Text("CacheParameterGroupName", cluster.parameter_group);
    out.Text("ParameterApplyStatus", to_reboot.empty() ? "in-sync" : "pending-reboot");
    out.TextList("CacheNodeIdsToReboot", "CacheNodeId", to_reboot);
  });
}

void WriteNotification(XmlWriter& out, const CacheCluster& cluster) {
  if (cluster.notification_topic.empty()) return;
  out.Element("NotificationConfiguration", [&] {
    out.Text("TopicArn", cluster.notification_topic);
    out.Text("TopicStatus", cluster.notification_status);
  });
}

int NodeCount(const CacheCluster& cluster) {
  return static_cast<int>(
      std::count_if(cluster.nodes.begin(), cluster.nodes.end(),
                    [](const CacheNode& node) { return node.status != "deleting"; }));
}

}  // namespace

void WriteEndpoint(XmlWriter& out, std::string_view tag, const Endpoint& endpoint) {
  if (endpoint.empty()) return;
  out.Element(tag, [&] {
    out.Text("Address", endpoint.address);
    out.Integer("Port", endpoint.port);
  });
}

std::string ZoneOf(const CacheCluster& cluster) {
  for (const CacheNode& node : cluster.nodes) {
    if (node.zone != cluster.nodes.front().zone) return "Multiple";
  }
  return cluster.nodes.empty() ? "" : cluster.nodes.front().zone;
}

void WriteCacheCluster(XmlWriter& out, const CacheCluster& cluster, const Site& site,
                       bool with_nodes) {
  bool is_deleting = cluster.status == "deleting";
  out.Text("CacheClusterId", cluster.id);
  if (cluster.create_time_ms != 0 && !is_deleting)
    WriteEndpoint(out, "ConfigurationEndpoint", cluster.configuration_endpoint);
  out.Text("ClientDownloadLandingPage", kClientDownloads);
  out.Text("CacheNodeType", cluster.node_type);
  out.Text("Engine", cluster.engine);
  out.Text("EngineVersion", cluster.engine_version);
  out.Text("CacheClusterStatus", cluster.status);
  out.Integer("NumCacheNodes", NodeCount(cluster));
  out.OptionalText("PreferredAvailabilityZone", ZoneOf(cluster));
  out.Time("CacheClusterCreateTime", cluster.create_time_ms);
  out.Text("PreferredMaintenanceWindow", cluster.maintenance_window);
  WritePending(out, cluster.pending);
  WriteNotification(out, cluster);
  out.Empty("CacheSecurityGroups");
  WriteParameterGroup(out, cluster);
  out.Text("CacheSubnetGroupName", cluster.subnet_group);
  if (with_nodes && !is_deleting) {
    out.List("CacheNodes", "CacheNode", cluster.nodes,
             [&](const CacheNode& node) { WriteNode(out, node); });
  }
  out.Bool("AutoMinorVersionUpgrade", cluster.has_auto_minor_upgrade);
  out.List("SecurityGroups", "member", cluster.security_group_ids, [&](const std::string& id) {
    out.Text("SecurityGroupId", id);
    out.Text("Status", "active");
  });
  out.OptionalText("ReplicationGroupId", cluster.replication_group_id);
  if (!cluster.IsMemcached()) {
    out.Integer("SnapshotRetentionLimit", cluster.snapshot_retention_days);
    out.OptionalText("SnapshotWindow", cluster.snapshot_window);
  }
  out.Bool("AuthTokenEnabled", false);
  out.Bool("TransitEncryptionEnabled", false);
  out.Bool("AtRestEncryptionEnabled", false);
  out.Text("ARN", site.Arn("cluster", cluster.id));
  out.Bool("ReplicationGroupLogDeliveryEnabled", false);
  out.Empty("LogDeliveryConfigurations");
  out.Text("NetworkType", cluster.network_type);
  out.Text("IpDiscovery", cluster.ip_discovery);
}

}  // namespace kiln
