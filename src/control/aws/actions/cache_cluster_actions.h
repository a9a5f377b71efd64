// The handlers of cache clusters that have a file of their own.
#pragma once

#include "control/aws/action.h"

namespace kiln {

ApiError CreateCacheCluster(ActionCall& call);  // cache_cluster_create.cc
ApiError ModifyCacheCluster(ActionCall& call);  // cache_cluster_modify.cc

}  // namespace kiln
