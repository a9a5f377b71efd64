#include "control/model/snapshots.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace kiln {
namespace {

constexpr std::string_view kSnapshotSeed = "snapshot:";
constexpr std::string_view kObjectArn = "arn:aws:s3:::";
constexpr std::string_view kLoneShard = "0001";

std::string ZoneOfNodes(const CacheCluster& cluster) {
  return cluster.nodes.empty() ? "" : cluster.nodes.front().zone;
}

NodeSnapshot NodeOf(const CacheCluster& cluster) {
  NodeSnapshot node;
  node.cluster_id = cluster.id;
  node.node_group_id = kLoneShard;
  if (!cluster.nodes.empty()) {
    node.node_id = cluster.nodes.front().id;
    node.node_create_time_ms = cluster.nodes.front().create_time_ms;
  }
  return node;
}

}  // namespace

Snapshot SnapshotOf(const CacheCluster& cluster, const ReplicationGroup* group,
                    const ZoneLookup& zone_of) {
  Snapshot snapshot;
  snapshot.cluster_id = cluster.id;
  snapshot.node_type = cluster.node_type;
  snapshot.engine = cluster.engine;
  snapshot.engine_version = cluster.engine_version;
  snapshot.zone = ZoneOfNodes(cluster);
  snapshot.cluster_create_time_ms = cluster.create_time_ms;
  snapshot.maintenance_window = cluster.maintenance_window;
  snapshot.notification_topic = cluster.notification_topic;
  snapshot.port = cluster.port;
  snapshot.parameter_group = cluster.parameter_group;
  snapshot.subnet_group = cluster.subnet_group;
  snapshot.has_auto_minor_upgrade = cluster.has_auto_minor_upgrade;
  snapshot.snapshot_retention_days = cluster.snapshot_retention_days;
  snapshot.snapshot_window = cluster.snapshot_window;
  NodeSnapshot& node = snapshot.nodes.emplace_back(NodeOf(cluster));
  if (group == nullptr) return snapshot;
  snapshot.replication_group_id = group->id;
  snapshot.replication_group_description = group->description;
  snapshot.automatic_failover = group->HasFailover() ? "enabled" : "disabled";
  const NodeGroup* shard = group->ShardOf(cluster.id);
  if (shard == nullptr) return snapshot;
  node.node_group_id = shard->id;
  for (const std::string& id : shard->member_clusters) {
    if (id == shard->primary_cluster) {
      node.primary_zone = zone_of(id);
    } else {
      node.replica_zones.push_back(zone_of(id));
    }
  }
  return snapshot;
}

std::string SnapshotMember(const ReplicationGroup& group, const NodeGroup& shard) {
  const std::vector<std::string>& members = shard.member_clusters;
  auto chosen = std::find(members.begin(), members.end(), group.snapshotting_cluster);
  if (chosen != members.end()) return *chosen;
  auto replica = std::find_if(members.rbegin(), members.rend(),
                              [&](const std::string& id) { return id != shard.primary_cluster; });
  return replica == members.rend() ? shard.primary_cluster : *replica;
}

std::vector<std::string> SnapshotMembers(const NodeGroup& shard, const std::string& first) {
  std::vector<std::string> members = {first};
  for (const std::string& id : shard.member_clusters) {
    if (id != first && id != shard.primary_cluster) members.push_back(id);
  }
  if (shard.primary_cluster != first) members.push_back(shard.primary_cluster);
  return members;
}

std::string AutomaticSnapshotName(std::string_view cluster_id, int64_t now_ms) {
  std::tm time = fmt::gmtime(static_cast<std::time_t>(now_ms / 1000));
  return fmt::format("automatic.{}-{:%Y-%m-%d-%H-%M}", cluster_id, time);
}

std::string SnapshotFileKey(std::string_view name, std::string_view node_group_id) {
  return fmt::format("{}/{}.rdb", name, node_group_id);
}

std::string ExportedFileKey(std::string_view name, std::string_view node_group_id) {
  return fmt::format("{}-{}.rdb", name, node_group_id);
}

std::string SnapshotSeed(std::string_view snapshot, std::string_view node_group_id) {
  return fmt::format("{}{}/{}", kSnapshotSeed, snapshot, node_group_id);
}

std::optional<Seed> ParseSeed(std::string_view text) {
  bool is_snapshot = text.starts_with(kSnapshotSeed);
  if (!is_snapshot && !text.starts_with(kObjectArn)) return std::nullopt;
  text.remove_prefix(is_snapshot ? kSnapshotSeed.size() : kObjectArn.size());
  size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size())
    return std::nullopt;
  std::string place(text.substr(0, slash)), rest(text.substr(slash + 1));
  return is_snapshot ? Seed{place, rest, {}, {}} : Seed{{}, {}, place, rest};
}

std::string SnapshotEventText(std::string_view what, const Snapshot& snapshot) {
  bool is_group = !snapshot.replication_group_id.empty();
  return fmt::format("{} for snapshot with ID '{}' of {} with ID '{}'", what, snapshot.name,
                     is_group ? "replication group" : "cache cluster",
                     is_group ? snapshot.replication_group_id : snapshot.cluster_id);
}

}  // namespace kiln
