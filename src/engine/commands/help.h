// The HELP subcommands' replies: a heading, the lines of the container's subcommands, and HELP
// itself.
#pragma once

#include <span>
#include <string_view>

#include "engine/commands/call.h"

namespace kiln {

// For a handler of a row named "CONTAINER|HELP". Lines that explain start with four spaces.
void ReplyHelp(Call& call, std::span<const std::string_view> lines);

}  // namespace kiln
