// Commands for SLOWLOG, LATENCY, MEMORY.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ObserveCommands() { return {}; }

}  // namespace kiln
