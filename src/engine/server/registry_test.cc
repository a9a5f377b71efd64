#include "engine/server/registry.h"

#include <gtest/gtest.h>

#include "engine/commands/command_table.h"
#include "engine/commands/key_access.h"

namespace kiln {
namespace {

// Without a row, users need every right to a command's keys.
TEST(Registry, EachCommandWithKeysSaysWhatItDoesWithThem) {
  CommandTable table(CommandGroups(), CommandTable::Case::kAny);
  for (const Command* command : table.all()) {
    EXPECT_EQ(command->keys.any(), command->access != nullptr) << command->name;
    if (command->access == nullptr || command->Is(kWrite)) continue;
    uint8_t access = command->access->first | command->access->others;
    bool is_script = Has(command->acl, Acl::kScripting);
    EXPECT_TRUE(is_script || (access & (kKeyUpdate | kKeyInsert | kKeyDelete)) == 0)
        << command->name;
  }
}

}  // namespace
}  // namespace kiln
