// Commands for scripts.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ScriptingCommands() { return {}; }

}  // namespace kiln
