// Looks whether a Redis server somewhere can be followed: whether it answers without a password, is
// a primary, and is none of a cluster.
//
// Blocks for some seconds at most. Any thread.
#pragma once

#include "control/model/documents.h"
#include "control/model/source_state.h"

namespace kiln {

SourceState LookAtSource(const Endpoint& server);

}  // namespace kiln
