// Commands for CONFIG.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ConfigCommands() { return {}; }

}  // namespace kiln
