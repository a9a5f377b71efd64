// Commands for ranges of sorted sets.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> SortedSetRangeCommands() { return {}; }

}  // namespace kiln
