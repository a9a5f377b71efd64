// Commands for CLIENT.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ClientCommands() { return {}; }

}  // namespace kiln
