// Commands for hashes.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> HashCommands() { return {}; }

}  // namespace kiln
