// Commands for times to live.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ExpireCommands() { return {}; }

}  // namespace kiln
