#include "control/aws/actions/loading.h"

#include "control/aws/actions/parameter_group_lookup.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"
#include "control/model/subnet_groups.h"

namespace kiln {

ApiError LoadCluster(ActionCall& call, const std::string& id, Loaded<CacheCluster>* loaded) {
  return LoadOr(call, ClusterKey(id),
                {Fault::kCacheClusterNotFound, "CacheCluster not found: " + id}, loaded);
}

ApiError LoadReplicationGroup(ActionCall& call, const std::string& id,
                              Loaded<ReplicationGroup>* loaded) {
  return LoadOr(call, ReplicationGroupKey(id),
                {Fault::kReplicationGroupNotFound, "ReplicationGroup " + id + " not found."},
                loaded);
}

ApiError LoadParameterGroup(ActionCall& call, const std::string& name, ParameterGroup* group) {
  auto found = FindParameterGroup(call.api.store, name);
  if (!found) return ActionCall::StoreTrouble(found.error());
  if (!*found) return ParameterGroupNotFound("CacheParameterGroup not found: {}", name);
  *group = std::move((*found)->document);
  return NoError();
}

ApiError CheckSubnetGroup(ActionCall& call, const std::string& name) {
  if (name == kDefaultSubnetGroup) return NoError();
  Loaded<SubnetGroup> loaded;
  return LoadOr(
      call, SubnetGroupKey(name),
      {Fault::kCacheSubnetGroupNotFound, "Cache Subnet Group " + name + " does not exist."},
      &loaded);
}

ApiError HoldGroups(ActionCall& call, const CacheCluster& cluster, Transaction* transaction) {
  std::vector<std::string> keys;  // Default groups are not stored, and nobody can take them away.
  if (!FindDefaultParameterGroup(cluster.parameter_group))
    keys.push_back(ParameterGroupKey(cluster.parameter_group));
  if (cluster.subnet_group != kDefaultSubnetGroup)
    keys.push_back(SubnetGroupKey(cluster.subnet_group));
  for (const std::string& key : keys) {
    auto entry = call.api.store.Get(key);
    if (!entry) return ActionCall::StoreTrouble(entry.error());
    if (!*entry) return ActionCall::StoreTrouble(StoreError::kConflict);  // Went just now.
    transaction->compares.push_back({key, (*entry)->revision});
  }
  return NoError();
}

ApiError Commit(ActionCall& call, const Transaction& transaction) {
  auto revision = call.api.store.Txn(transaction);
  return revision ? NoError() : ActionCall::StoreTrouble(revision.error());
}

}  // namespace kiln
