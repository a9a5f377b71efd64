// What COMMAND INFO and COMMAND DOCS say of one command, with its subcommands. Any thread.
#pragma once

#include <string>

#include "engine/commands/command.h"
#include "engine/commands/command_table.h"
#include "protocol/resp/reply.h"

namespace kiln {

// In lower case, as in "config|get".
std::string LowerName(const Command& command);

void ReplyCommandInfo(Reply& reply, const CommandTable& commands, const Command& command);
// The name and its map.
void ReplyCommandDocs(Reply& reply, const CommandTable& commands, const Command& command);

// How a key is used: the words of KeyAccessFlag's bits.
void ReplyKeyAccess(Reply& reply, uint8_t access);

}  // namespace kiln
