// Commands for SORT.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> SortCommands() { return {}; }

}  // namespace kiln
