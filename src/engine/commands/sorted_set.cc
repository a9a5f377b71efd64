// Commands for sorted sets.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> SortedSetCommands() { return {}; }

}  // namespace kiln
