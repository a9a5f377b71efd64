// Commands for strings as bits.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {

std::span<const Command> BitmapCommands() { return {}; }

}  // namespace kiln
