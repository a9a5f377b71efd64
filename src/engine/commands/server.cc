// Commands for the server itself.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ServerCommands() { return {}; }

}  // namespace kiln
