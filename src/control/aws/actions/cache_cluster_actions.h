// The handlers of cache clusters that have a file of their own.
#pragma once

#include "control/aws/action.h"
#include "control/model/documents.h"

namespace kiln {

ApiError CreateCacheCluster(ActionCall& call);  // cache_cluster_create.cc
ApiError ModifyCacheCluster(ActionCall& call);  // cache_cluster_modify.cc

// What ModifyReplicationGroup changes of each member: type, version, parameter group, windows and
// the fields that all caches have; cache_cluster_modify.cc.
ApiError ReadMemberChanges(ActionCall& call, CacheCluster* cluster);

}  // namespace kiln
