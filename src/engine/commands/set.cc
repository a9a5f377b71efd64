// Commands for sets.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> SetCommands() { return {}; }

}  // namespace kiln
