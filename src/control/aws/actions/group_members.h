// Members of a replication group, as handlers add and take them away. Each answers AWS's error, or
// none; what is to be stored goes into a transaction. Any thread.
#pragma once

#include <string>
#include <vector>

#include "control/aws/action.h"
#include "control/model/documents.h"
#include "control/store/load.h"

namespace kiln {

inline constexpr size_t kMaxReplicas = 5;  // Of a shard.

// "InvalidReplicationGroupState" unless it is available.
ApiError CheckGroupAvailable(const ReplicationGroup& group);

// Shard `id` of the group; NodeGroupNotFoundFault when there is none.
ApiError FindShard(ReplicationGroup& group, const std::string& id, NodeGroup** shard);

// The id of the member that is added next: "sessions-003".
std::string NextMemberId(ReplicationGroup* group);

// A further member `id`, like the shard's primary, in `zone` (empty: the next one in turn).
ApiError AddReplica(ActionCall& call, const std::string& id, const std::string& zone,
                    NodeGroup* shard, Transaction* transaction);

// The members are on their way out; their documents go when their processes have ended.
// With `final_snapshot` not before that snapshot is there.
ApiError RemoveMembers(ActionCall& call, const std::vector<std::string>& ids,
                       const std::string& final_snapshot, Transaction* transaction);
inline ApiError RemoveReplicas(ActionCall& call, const std::vector<std::string>& ids,
                               Transaction* transaction) {
  return RemoveMembers(call, ids, {}, transaction);
}

}  // namespace kiln
