// One function for each group of commands of this folder; server/registry.cc lists them.
#pragma once

#include <span>

#include "engine/commands/command.h"

namespace kiln {

std::span<const Command> MigrateCommands();  // MIGRATE

}  // namespace kiln
