// Commands for COMMAND.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> CommandInfoCommands() { return {}; }

}  // namespace kiln
