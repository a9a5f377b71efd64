// The handlers of replication groups that have a file of their own.
#pragma once

#include "control/aws/action.h"

namespace kiln {

ApiError CreateReplicationGroup(ActionCall& call);  // replication_group_create.cc
ApiError ModifyReplicationGroup(ActionCall& call);  // replication_group_modify.cc
ApiError IncreaseReplicaCount(ActionCall& call);    // replica_count.cc
ApiError DecreaseReplicaCount(ActionCall& call);    // replica_count.cc

// CreateCacheCluster of a further replica of `group_id`; replica_count.cc.
ApiError CreateReplica(ActionCall& call, const std::string& id, const std::string& group_id);

}  // namespace kiln
