// Commands for walking the keyspace.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> ScanCommands() { return {}; }

}  // namespace kiln
