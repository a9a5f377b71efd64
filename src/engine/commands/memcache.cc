// The verbs of memcached's classic text protocol, over the same records as the Redis commands.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> MemcacheCommands() { return {}; }

}  // namespace kiln
