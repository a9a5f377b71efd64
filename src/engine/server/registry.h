// Registry: the list of command groups. The one place that names them all.
#pragma once

#include <span>

#include "engine/commands/command.h"

namespace kiln {

std::span<const std::span<const Command>> CommandGroups();

}  // namespace kiln
