// Commands for publish and subscribe.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> PubSubCommands() { return {}; }

}  // namespace kiln
