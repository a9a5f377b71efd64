// Errors that name the command they are about.
#pragma once

#include <string>

#include "engine/commands/command.h"

namespace kiln {

// "ERR wrong number of arguments for 'mset' command": for rules that a row's arity cannot say.
std::string ArityErrorText(const Command& command);
// "ERR invalid expire time in 'set' command".
std::string ExpireTimeErrorText(const Command& command);

}  // namespace kiln
