// IncreaseReplicaCount and DecreaseReplicaCount, and CreateCacheCluster where it adds a replica.
#include <fmt/format.h>

#include <algorithm>

#include "control/aws/actions/cache_cluster_view.h"
#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_actions.h"
#include "control/aws/actions/replication_group_view.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

// What a call wants of one shard.
struct CountWish {
  std::string shard;  // Empty: all of them.
  size_t replicas = 0;
  std::vector<std::string> zones;  // Of the primary and all replicas, or none.
};

size_t ReplicasOf(const NodeGroup& shard) {
  return shard.member_clusters.size() - 1;
}

// NewReplicaCount, or ReplicaConfiguration with an entry for a shard.
ApiError ReadWish(Arguments& args, std::optional<CountWish>* wish) {
  constexpr int64_t kMost = static_cast<int64_t>(kMaxReplicas);
  std::optional<int64_t> count = args.Integer("NewReplicaCount", 0, kMost);
  std::vector<Arguments> shards = args.Structures("ReplicaConfiguration", "ConfigureShard");
  if (args.error()) return args.error();
  if (count && !shards.empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "NewReplicaCount and ReplicaConfiguration cannot be given together.");
  }
  if (count) *wish = CountWish{{}, static_cast<size_t>(*count), {}};
  for (Arguments& shard : shards) {
    CountWish one{shard.Required("NodeGroupId"),
                  static_cast<size_t>(shard.Integer("NewReplicaCount", 0, kMost).value_or(0)),
                  shard.List("PreferredAvailabilityZones", "PreferredAvailabilityZone")};
    if (!shard.Has("NewReplicaCount"))
      shard.Fail(Fault::kMissingParameter,
                 "The request must contain the parameter NewReplicaCount.");
    if (shard.error()) return shard.error();
    if (!one.zones.empty() && one.zones.size() != one.replicas + 1) {
      return Bad(Fault::kInvalidParameterCombination,
                 "PreferredAvailabilityZones must name a zone for the primary and each replica.");
    }
    *wish = std::move(one);
  }
  return NoError();
}

// The group that the call names, which may be changed, and its shard.
ApiError LoadForCount(ActionCall& call, Loaded<ReplicationGroup>* group,
                      std::optional<CountWish>* wish, NodeGroup** shard) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  bool is_immediate = call.args.BoolOr("ApplyImmediately", false);
  if (call.args.error()) return call.args.error();
  if (ApiError error = LoadReplicationGroup(call, id, group)) return error;
  if (!is_immediate)
    return Bad(Fault::kInvalidParameterValue, "ApplyImmediately must be true for this operation.");
  if (ApiError error = ReadWish(call.args, wish)) return error;
  std::string shard_id = *wish ? (*wish)->shard : "";
  if (shard_id.empty()) shard_id = group->document.node_groups.front().id;
  if (ApiError error = FindShard(group->document, shard_id, shard)) return error;
  return CheckGroupAvailable(group->document);
}

ApiError Finish(ActionCall& call, Loaded<ReplicationGroup>& group, Transaction transaction) {
  std::string key = ReplicationGroupKey(group.document.id);
  group.document.status = "modifying";
  transaction.compares.push_back({key, group.revision});
  transaction.puts.push_back({key, ToJson(group.document)});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group.document); });
  return NoError();
}

ApiError NoChange() {
  return Bad(Fault::kNoOperation,
             "Requested new replica count already matches current number of replicas.");
}

ApiError CheckRemaining(const ReplicationGroup& group, size_t replicas) {
  if (replicas > 0) return NoError();
  if (group.is_multi_zone) {
    return Bad(Fault::kInvalidParameterValue,
               "Must have at least 1 replica for Multi-AZ enabled Replication Group");
  }
  if (!group.HasFailover()) return NoError();
  return Bad(
      Fault::kInvalidParameterValue,
      "Must have at least 1 replica when cluster mode is disabled with auto failover enabled.");
}

// Those named, or the ones added last.
ApiError ChooseRemoved(Arguments& args, const std::optional<CountWish>& wish,
                       const NodeGroup& shard, std::vector<std::string>* removed) {
  size_t present = ReplicasOf(shard);
  for (const std::string& id : args.List("ReplicasToRemove", "member"))
    removed->push_back(LowerCase(id));
  std::sort(removed->begin(), removed->end());
  removed->erase(std::unique(removed->begin(), removed->end()), removed->end());
  for (const std::string& id : *removed) {
    const std::vector<std::string>& members = shard.member_clusters;
    bool is_replica = id != shard.primary_cluster &&
                      std::find(members.begin(), members.end(), id) != members.end();
    if (!is_replica)
      return Bad(Fault::kInvalidParameterValue,
                 fmt::format("{} is not a replica of the replication group.", id));
  }
  if (!wish && removed->empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "NewReplicaCount, ReplicaConfiguration or ReplicasToRemove must be given.");
  }
  if (!wish) return NoError();
  if (wish->replicas == present) return NoChange();
  if (wish->replicas > present)
    return Bad(Fault::kInvalidParameterValue,
               "The new replica count must be less than the current number of replicas.");
  size_t fewer = present - wish->replicas;
  if (!removed->empty() && removed->size() != fewer) {
    return Bad(Fault::kInvalidParameterCombination,
               "ReplicasToRemove and the new replica count do not agree.");
  }
  if (!removed->empty()) return NoError();
  for (auto id = shard.member_clusters.rbegin(); removed->size() < fewer; ++id) {
    if (*id != shard.primary_cluster) removed->push_back(*id);
  }
  return NoError();
}

// A replica takes all from its group; a call that says more is refused.
ApiError CheckNothingMore(const Arguments& args) {
  constexpr std::string_view kAllowed[] = {"Action",         "Version",
                                           "CacheClusterId", "ReplicationGroupId",
                                           "AZMode",         "NumCacheNodes",
                                           "OutpostMode",    "PreferredAvailabilityZone",
                                           "Tags",           "AutoMinorVersionUpgrade"};
  for (const auto& [name, value] : args.fields()) {
    std::string_view field = std::string_view(name).substr(0, name.find('.'));
    if (std::find(std::begin(kAllowed), std::end(kAllowed), field) == std::end(kAllowed) &&
        !value.empty() && !field.starts_with("X-Amz")) {
      return Bad(Fault::kInvalidParameterCombination,
                 "Cannot specify additional cache cluster parameters when creating a replica "
                 "cluster");
    }
  }
  return NoError();
}

}  // namespace

// ReplicationGroupId, NewReplicaCount or ReplicaConfiguration, ApplyImmediately
ApiError IncreaseReplicaCount(ActionCall& call) {
  Loaded<ReplicationGroup> group;
  std::optional<CountWish> wish;
  NodeGroup* shard = nullptr;
  if (ApiError error = LoadForCount(call, &group, &wish, &shard)) return error;
  if (!wish)
    return Bad(Fault::kInvalidParameterCombination,
               "NewReplicaCount or ReplicaConfiguration must be given.");
  size_t present = ReplicasOf(*shard);
  if (wish->replicas == present) return NoChange();
  if (wish->replicas < present)
    return Bad(Fault::kInvalidParameterValue,
               "The new replica count must be greater than the current number of replicas.");
  if (ApiError error = CheckNodeQuota(call, wish->replicas - present)) return error;
  Transaction transaction;
  for (size_t i = present; i < wish->replicas; ++i) {
    std::string zone = wish->zones.empty() ? "" : wish->zones[i + 1];
    std::string id = NextMemberId(&group.document);
    if (ApiError error = AddReplica(call, id, zone, shard, &transaction)) return error;
  }
  return Finish(call, group, std::move(transaction));
}

// ReplicationGroupId, NewReplicaCount, ReplicaConfiguration or ReplicasToRemove, ApplyImmediately
ApiError DecreaseReplicaCount(ActionCall& call) {
  Loaded<ReplicationGroup> group;
  std::optional<CountWish> wish;
  NodeGroup* shard = nullptr;
  if (ApiError error = LoadForCount(call, &group, &wish, &shard)) return error;
  std::vector<std::string> removed;
  if (ApiError error = ChooseRemoved(call.args, wish, *shard, &removed)) return error;
  if (ApiError error = CheckRemaining(group.document, ReplicasOf(*shard) - removed.size()))
    return error;
  Transaction transaction;
  if (ApiError error = RemoveReplicas(call, removed, &transaction)) return error;
  return Finish(call, group, std::move(transaction));
}

ApiError CreateReplica(ActionCall& call, const std::string& id, const std::string& group_id) {
  Loaded<ReplicationGroup> group;
  if (ApiError error = LoadReplicationGroup(call, group_id, &group)) return error;
  if (ApiError error = CheckIdentifier("CacheClusterIdentifier", id, kMaxClusterIdBytes))
    return error;
  if (ApiError error = CheckNothingMore(call.args)) return error;
  if (ApiError error = CheckGroupAvailable(group.document)) return error;
  NodeGroup& shard = group.document.node_groups.front();
  if (ReplicasOf(shard) >= kMaxReplicas) {
    return Bad(Fault::kNodeQuotaForClusterExceeded,
               fmt::format("Replication group {} has {} read replicas, the most there may be.",
                           group_id, kMaxReplicas));
  }
  if (ApiError error = CheckNodeQuota(call, 1)) return error;
  Transaction transaction;
  std::string zone = call.args.StringOr("PreferredAvailabilityZone", "");
  if (ApiError error = AddReplica(call, id, zone, &shard, &transaction)) return error;
  std::string key = ReplicationGroupKey(group_id);
  group.document.status = "modifying";
  transaction.compares.push_back({key, group.revision});
  transaction.puts.push_back({key, ToJson(group.document)});
  if (ApiError error = Commit(call, transaction)) return error;
  Loaded<CacheCluster> replica;
  if (ApiError error = LoadCluster(call, id, &replica)) return error;
  call.out.Element("CacheCluster",
                   [&] { WriteCacheCluster(call.out, replica.document, call.api.site, false); });
  return NoError();
}

}  // namespace kiln
