// What a command does with its keys: reads, changes, removes.
//
// COMMAND GETKEYSANDFLAGS tells it, and users may have rights for it (engine/security). Source: the
// key specifications of Redis 7.2's commands. Constant data; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/command.h"

namespace kiln {

enum KeyAccessFlag : uint8_t {
  // What happens to the key; one of these.
  kKeyReadOnly = 1 << 0,
  kKeyReadWrite = 1 << 1,
  kKeyOverwrite = 1 << 2,
  kKeyRemove = 1 << 3,
  // What happens to the user's data in it; any of these. None: only metadata is told, such as
  // whether it exists or its size.
  kKeyAccess = 1 << 4,  // is returned, copied or compared
  kKeyUpdate = 1 << 5,
  kKeyInsert = 1 << 6,
  kKeyDelete = 1 << 7,
};

// A row of the table. Commands that treat two kinds of keys alike name one first.
struct KeyAccess {
  std::string_view name;                 // the command's
  uint8_t first;                         // bits of KeyAccessFlag for the first key
  uint8_t others;                        // for the others
  uint8_t (*find)(Arguments arguments);  // for all, where the arguments decide

  // Of the n-th key (from 0) that KeyPositions finds.
  uint8_t Of(size_t nth, Arguments arguments) const {
    if (find != nullptr) return find(arguments);
    return nth == 0 ? first : others;
  }
};

// Null for commands that have no keys.
const KeyAccess* FindKeyAccess(std::string_view command_name);

// What the command does with its n-th key. A command without a row may do anything.
uint8_t KeyAccessOf(const Command& command, size_t nth, Arguments arguments);

}  // namespace kiln
