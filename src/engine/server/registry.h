// Registry: the list of command groups. The one place that names them all.
#pragma once

#include <span>

#include "engine/commands/command.h"

namespace kiln {

std::span<const std::span<const Command>> CommandGroups();
// memcached's verbs, a table of their own.
std::span<const std::span<const Command>> MemcacheCommandGroups();

}  // namespace kiln
