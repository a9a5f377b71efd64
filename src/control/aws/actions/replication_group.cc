// Replication groups: describing, deleting, testing failover; the rows of all their operations.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/event.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_actions.h"
#include "control/aws/actions/replication_group_view.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
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
                [&](const ReplicationGroup& group) { WriteReplicationGroup(call, group); });
  return NoError();
}

// The one shard's primary stays behind as a cache cluster that stands alone.
ApiError RetainPrimary(ActionCall& call, ReplicationGroup* group, Transaction* transaction) {
  NodeGroup& shard = group->node_groups.front();
  Loaded<CacheCluster> primary;
  if (ApiError error = LoadCluster(call, shard.primary_cluster, &primary)) return error;
  if (group->status != "available") return CheckGroupAvailable(*group);
  primary.document.replication_group_id.clear();
  std::string key = ClusterKey(primary.document.id);
  transaction->compares.push_back({key, primary.revision});
  transaction->puts.push_back({key, ToJson(primary.document)});
  std::erase(shard.member_clusters, shard.primary_cluster);
  return NoError();
}

// Whether one of the members is stuck: then the group may go whatever its status.
bool HasStuckMember(ActionCall& call, const ReplicationGroup& group) {
  for (const std::string& id : group.MemberClusters()) {
    Loaded<CacheCluster> member;
    if (!LoadCluster(call, id, &member) && IsStuck(member.document)) return true;
  }
  return false;
}

// FinalSnapshotIdentifier: of the primary; all members stay until it is there.
ApiError AskForFinalSnapshot(ActionCall& call, const ReplicationGroup& group, std::string* name,
                             Transaction* transaction) {
  if (ApiError error = ReadFinalSnapshot(call, false, name)) return error;
  if (name->empty()) return NoError();
  if (call.args.BoolOr("RetainPrimaryCluster", false)) {
    return Bad(Fault::kInvalidParameterCombination,
               "FinalSnapshotIdentifier cannot be given when the primary cluster is retained.");
  }
  Loaded<CacheCluster> primary;
  if (ApiError error = LoadCluster(call, group.node_groups.front().primary_cluster, &primary))
    return error;
  Snapshot snapshot = DescribeForSnapshot(call, primary.document, &group);
  snapshot.name = *name;
  return AddManualSnapshot(call, snapshot, &primary.document, transaction);
}

// ReplicationGroupId, RetainPrimaryCluster, FinalSnapshotIdentifier
ApiError DeleteReplicationGroup(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  bool retains = call.args.BoolOr("RetainPrimaryCluster", false);
  if (call.args.error()) return call.args.error();
  Loaded<ReplicationGroup> loaded;
  if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
  ReplicationGroup& group = loaded.document;
  bool may_go = group.status == "available" || group.status == "create-failed" ||
                (group.status != "deleting" && HasStuckMember(call, group));
  if (!may_go) {
    return Bad(Fault::kInvalidReplicationGroupState,
               fmt::format("Replication group {} has status {} which is not valid for deletion.",
                           id, group.status));
  }
  std::string key = ReplicationGroupKey(id);
  Transaction transaction{.compares = {{key, loaded.revision}}, .puts = {}, .deletes = {}};
  if (retains) {
    if (ApiError error = RetainPrimary(call, &group, &transaction)) return error;
  }
  std::vector<std::string> present = group.MemberClusters();
  std::erase_if(present, [&](const std::string& member_id) {
    Loaded<CacheCluster> gone;
    return static_cast<bool>(LoadCluster(call, member_id, &gone));
  });
  std::string final_snapshot;
  if (ApiError error = AskForFinalSnapshot(call, group, &final_snapshot, &transaction))
    return error;
  if (ApiError error = RemoveMembers(call, present, final_snapshot, &transaction)) return error;
  group.status = "deleting";
  transaction.puts.push_back({key, ToJson(group)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group); });
  return NoError();
}

// ReplicationGroupId, NodeGroupId
ApiError TestFailover(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  std::string shard_id = call.args.Required("NodeGroupId");
  if (call.args.error()) return call.args.error();
  Loaded<ReplicationGroup> loaded;
  if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
  ReplicationGroup& group = loaded.document;
  NodeGroup* shard = nullptr;
  if (ApiError error = FindShard(group, shard_id, &shard)) return error;
  if (group.status != "available")
    return Bad(Fault::kInvalidReplicationGroupState,
               fmt::format("Replication group {} is not in available state.", id));
  if (group.automatic_failover != "enabled")
    return Bad(Fault::kTestFailoverNotAvailable,
               fmt::format("Replication group {} does not have automatic failover enabled.", id));
  if (shard->is_tested)
    return Bad(Fault::kInvalidReplicationGroupState,
               fmt::format("A failover of node group {} is being tested already.", shard_id));
  shard->is_tested = true;
  std::string key = ReplicationGroupKey(id);
  Transaction transaction{
      .compares = {{key, loaded.revision}}, .puts = {{key, ToJson(group)}}, .deletes = {}};
  AddEvent(&transaction,
           {id, std::string(kReplicationGroupSource),
            "Test Failover API called for node group " + shard_id, call.api.now_ms()});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group); });
  return NoError();
}

constexpr Action kActions[] = {
    {"CreateReplicationGroup", CreateReplicationGroup},
    {"DecreaseReplicaCount", DecreaseReplicaCount},
    {"DeleteReplicationGroup", DeleteReplicationGroup},
    {"DescribeReplicationGroups", DescribeReplicationGroups},
    {"IncreaseReplicaCount", IncreaseReplicaCount},
    {"ModifyReplicationGroup", ModifyReplicationGroup},
    {"TestFailover", TestFailover},
};

}  // namespace

std::span<const Action> ReplicationGroupActions() {
  return kActions;
}

}  // namespace kiln
