// Commands for MULTI, EXEC, WATCH.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> TransactionCommands() { return {}; }

}  // namespace kiln
