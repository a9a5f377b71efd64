// Commands for DEBUG.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> DebugCommands() { return {}; }

}  // namespace kiln
