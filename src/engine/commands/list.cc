// Commands for lists.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ListCommands() { return {}; }

}  // namespace kiln
