// The XML of replication groups. Field order and presence follow the API's model. Any thread.
#pragma once

#include "control/aws/action.h"
#include "control/model/documents.h"

namespace kiln {

// The members of a ReplicationGroup, into an element that is open. Reads its clusters.
void WriteReplicationGroup(ActionCall& call, const ReplicationGroup& group);

}  // namespace kiln
