// Commands for unions, intersections and differences of sorted sets.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> SortedSetCombineCommands() { return {}; }

}  // namespace kiln
