// Commands for keys of any type: delete, rename, copy, look at.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> KeyCommands() { return {}; }

}  // namespace kiln
