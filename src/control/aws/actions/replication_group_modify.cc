// ModifyReplicationGroup.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_actions.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_actions.h"
#include "control/aws/actions/replication_group_view.h"
#include "control/model/cluster_changes.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

ApiError CheckNoneUnbuilt(Arguments& args) {
  if (ApiError error = CheckNothingUnbuilt(args)) return error;
  bool has_users = !args.List("UserGroupIdsToAdd", "member").empty() ||
                   !args.List("UserGroupIdsToRemove", "member").empty() ||
                   args.BoolOr("RemoveUserGroups", false);
  std::string mode =
      args.OneOf("ClusterMode", {"enabled", "disabled", "compatible"}).value_or("disabled");
  if (args.error()) return args.error();
  if (has_users)
    return Bad(Fault::kUnsupportedOperation, "User groups are not supported by Kiln yet.");
  if (mode != "disabled")
    return Bad(Fault::kUnsupportedOperation, "Cluster mode is not supported by Kiln yet.");
  return NoError();
}

bool HasReplicas(const ReplicationGroup& group) {
  return std::all_of(group.node_groups.begin(), group.node_groups.end(),
                     [](const NodeGroup& shard) { return shard.member_clusters.size() > 1; });
}

// AutomaticFailoverEnabled, MultiAZEnabled
ApiError ReadFailover(Arguments& args, ReplicationGroup* group) {
  bool has_failover = args.BoolOr("AutomaticFailoverEnabled", group->HasFailover());
  bool is_multi_zone = args.BoolOr("MultiAZEnabled", group->is_multi_zone);
  if (args.error()) return args.error();
  if (has_failover && !HasReplicas(*group)) {
    return Bad(Fault::kInvalidParameterValue,
               "Replication group must have at least one read replica to enable autofailover.");
  }
  if (is_multi_zone && !has_failover) {
    return Bad(Fault::kInvalidParameterCombination,
               "Automatic failover must be enabled while Multi-AZ is enabled.");
  }
  if (has_failover != group->HasFailover()) {
    group->automatic_failover = has_failover ? "enabling" : "disabling";
    group->status = "modifying";
  }
  group->is_multi_zone = is_multi_zone;
  return NoError();
}

// PrimaryClusterId: a replica takes the place of the primary, without loss.
ApiError ReadPromotion(Arguments& args, ReplicationGroup* group) {
  std::string id = LowerCase(args.StringOr("PrimaryClusterId", ""));
  if (id.empty()) return NoError();
  NodeGroup* shard = group->ShardOf(id);
  if (shard == nullptr) {
    return Bad(Fault::kInvalidParameterValue,
               fmt::format("{} is not a member of replication group {}.", id, group->id));
  }
  if (shard->primary_cluster == id) return NoError();
  if (group->HasFailover()) {
    return Bad(
        Fault::kInvalidParameterCombination,
        "Cannot manually promote a new primary cache cluster while autofailover is enabled.");
  }
  shard->promoting = id;
  group->status = "modifying";
  return NoError();
}

ApiError ReadGroupFields(Arguments& args, ReplicationGroup* group) {
  group->description = args.StringOr("ReplicationGroupDescription", group->description);
  std::string snapshotting = LowerCase(args.StringOr("SnapshottingClusterId", ""));
  if (!snapshotting.empty()) {
    if (group->ShardOf(snapshotting) == nullptr) {
      return Bad(
          Fault::kInvalidParameterValue,
          fmt::format("{} is not a member of replication group {}.", snapshotting, group->id));
    }
    group->snapshotting_cluster = snapshotting;
  }
  if (ApiError error = ReadFailover(args, group)) return error;
  return ReadPromotion(args, group);
}

// What changes of the members themselves; each has its own document.
ApiError ReadMembers(ActionCall& call, bool is_immediate, ReplicationGroup* group,
                     Transaction* transaction) {
  for (const std::string& id : group->MemberClusters()) {
    Loaded<CacheCluster> member;
    if (ApiError error = LoadCluster(call, id, &member)) return error;
    CacheCluster before = member.document;
    CacheCluster& cluster = member.document;
    if (ApiError error = ReadMemberChanges(call, &cluster)) return error;
    group->snapshot_window = cluster.snapshot_window;
    group->snapshot_retention_days = cluster.snapshot_retention_days;
    group->has_auto_minor_upgrade = cluster.has_auto_minor_upgrade;
    if (is_immediate && !cluster.pending.empty()) {
      ApplyPending(&cluster, [](const std::string&) { return std::nullopt; });
    } else if (cluster.parameter_group != before.parameter_group) {
      cluster.status = "modifying";
    }
    if (cluster == before) continue;
    if (cluster.status != "available") group->status = "modifying";
    if (ApiError error = HoldGroups(call, cluster, transaction)) return error;
    transaction->compares.push_back({ClusterKey(id), member.revision});
    transaction->puts.push_back({ClusterKey(id), ToJson(cluster)});
  }
  return NoError();
}

}  // namespace

ApiError ModifyReplicationGroup(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  bool is_immediate = call.args.BoolOr("ApplyImmediately", false);
  if (call.args.error()) return call.args.error();
  Loaded<ReplicationGroup> loaded;
  if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
  ReplicationGroup& group = loaded.document;
  if (ApiError error = CheckGroupAvailable(group)) return error;
  if (ApiError error = CheckNoneUnbuilt(call.args)) return error;
  ReplicationGroup before = group;
  Transaction transaction;
  if (ApiError error = ReadGroupFields(call.args, &group)) return error;
  if (ApiError error = ReadMembers(call, is_immediate, &group, &transaction)) return error;
  if (group.snapshot_retention_days > 0 && group.snapshotting_cluster.empty())
    group.snapshotting_cluster = group.MemberClusters().back();
  if (group != before || !transaction.puts.empty()) {
    std::string key = ReplicationGroupKey(id);
    transaction.compares.push_back({key, loaded.revision});
    transaction.puts.push_back({key, ToJson(group)});
    if (ApiError error = Commit(call, transaction)) return error;
  }
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group); });
  return NoError();
}

}  // namespace kiln
