// Commands for sorted sets that are waited for.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> BlockingSortedSetCommands() { return {}; }

}  // namespace kiln
