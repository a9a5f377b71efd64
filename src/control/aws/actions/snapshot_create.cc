// CreateSnapshot, and the checks of whoever asks for a snapshot by hand.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/names.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

ApiError CheckTakeable(const CacheCluster& cluster) {
  if (cluster.IsMemcached())
    return Bad(Fault::kSnapshotFeatureNotSupported, "Memcached has no snapshots.");
  if (cluster.status != "available")
    return Bad(Fault::kInvalidCacheClusterState,
               fmt::format("Cache cluster {} is not in available state.", cluster.id));
  return NoError();
}

// What a call is about: a cluster, and the group that it is a member of.
struct Source {
  Loaded<CacheCluster> cluster;
  std::optional<Loaded<ReplicationGroup>> group;
};

ApiError LoadGroup(ActionCall& call, const std::string& id, Source* source) {
  Loaded<ReplicationGroup> group;
  if (ApiError error = LoadReplicationGroup(call, id, &group)) return error;
  source->group = std::move(group);
  return CheckGroupAvailable(source->group->document);
}

ApiError LoadSource(ActionCall& call, const std::string& cluster_id, const std::string& group_id,
                    Source* source) {
  std::string member = cluster_id;
  if (!group_id.empty()) {
    if (ApiError error = LoadGroup(call, group_id, source)) return error;
    const ReplicationGroup& group = source->group->document;
    member = SnapshotMember(group, group.node_groups.front());
  }
  if (ApiError error = LoadCluster(call, member, &source->cluster)) return error;
  const CacheCluster& cluster = source->cluster.document;
  if (ApiError error = CheckTakeable(cluster)) return error;
  if (source->group || cluster.replication_group_id.empty()) return NoError();
  return LoadGroup(call, cluster.replication_group_id, source);
}

}  // namespace

Snapshot DescribeForSnapshot(ActionCall& call, const CacheCluster& cluster,
                             const ReplicationGroup* group) {
  return SnapshotOf(cluster, group, [&](const std::string& id) -> std::string {
    Loaded<CacheCluster> member;
    bool has_zone = !LoadCluster(call, id, &member) && !member.document.nodes.empty();
    return has_zone ? member.document.nodes.front().zone : "";
  });
}

ApiError CheckSnapshotName(ActionCall& call, std::string_view parameter, const std::string& name) {
  if (ApiError error = CheckIdentifier(parameter, name, kMaxGroupNameBytes)) return error;
  Loaded<Snapshot> present;
  if (LoadSnapshot(call, name, &present)) return NoError();
  return Bad(Fault::kSnapshotAlreadyExists, fmt::format("Snapshot {} already exists.", name));
}

ApiError AddManualSnapshot(ActionCall& call, Snapshot snapshot, CacheCluster* cluster,
                           Transaction* transaction) {
  std::vector<int64_t>& times = cluster->manual_snapshots_ms;
  int64_t now_ms = call.api.now_ms();
  std::erase_if(times, [&](int64_t time_ms) { return time_ms <= now_ms - kDayMs; });
  if (times.size() >= kMaxManualSnapshotsADay) {
    return Bad(Fault::kSnapshotQuotaExceeded,
               "The maximum number of manual snapshots for this cluster taken within 24 hours has "
               "been reached");
  }
  times.push_back(now_ms);
  snapshot.create_time_ms = now_ms;
  std::string key = SnapshotKey(snapshot.name);
  transaction->compares.push_back({key, 0});
  transaction->puts.push_back({key, ToJson(snapshot)});
  return NoError();
}

ApiError ReadFinalSnapshot(ActionCall& call, bool is_memcached, std::string* name) {
  if (!call.args.Has("FinalSnapshotIdentifier")) return NoError();
  if (is_memcached) return Bad(Fault::kSnapshotFeatureNotSupported, "Memcached has no snapshots.");
  *name = LowerCase(call.args.Required("FinalSnapshotIdentifier"));
  if (call.args.error()) return call.args.error();
  return CheckSnapshotName(call, "FinalSnapshotIdentifier", *name);
}

// SnapshotName, CacheClusterId or ReplicationGroupId, Tags
ApiError CreateSnapshot(ActionCall& call) {
  std::string name = LowerCase(call.args.Required("SnapshotName"));
  std::string cluster_id = LowerCase(call.args.StringOr("CacheClusterId", ""));
  std::string group_id = LowerCase(call.args.StringOr("ReplicationGroupId", ""));
  Tags tags = ReadTags(call.args);
  if (call.args.error()) return call.args.error();
  if (cluster_id.empty() == group_id.empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "Exactly one of CacheClusterId and ReplicationGroupId must be given.");
  }
  if (call.args.Has("KmsKeyId"))
    return Bad(Fault::kUnsupportedOperation, "KmsKeyId is not supported by Kiln yet.");
  if (ApiError error = CheckSnapshotName(call, "SnapshotName", name)) return error;
  Source source;
  if (ApiError error = LoadSource(call, cluster_id, group_id, &source)) return error;
  CacheCluster& cluster = source.cluster.document;
  Snapshot snapshot =
      DescribeForSnapshot(call, cluster, source.group ? &source.group->document : nullptr);
  snapshot.name = name;
  snapshot.tags = std::move(tags);
  Transaction transaction;
  if (ApiError error = AddManualSnapshot(call, snapshot, &cluster, &transaction)) return error;
  cluster.status = "snapshotting";
  transaction.compares.push_back({ClusterKey(cluster.id), source.cluster.revision});
  transaction.puts.push_back({ClusterKey(cluster.id), ToJson(cluster)});
  if (source.group) {
    ReplicationGroup& group = source.group->document;
    group.status = "snapshotting";
    transaction.compares.push_back({ReplicationGroupKey(group.id), source.group->revision});
    transaction.puts.push_back({ReplicationGroupKey(group.id), ToJson(group)});
  }
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("Snapshot", [&] { WriteSnapshot(call.out, snapshot, call.api.site, false); });
  return NoError();
}

}  // namespace kiln
