#include "engine/server/registry.h"

#include <gtest/gtest.h>

#include "engine/commands/command_syntax.h"
#include "engine/commands/command_table.h"
#include "engine/commands/key_access.h"
#include "protocol/memcache/login_parser.h"

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

// Asked for ahead; a script's first key is not the count before it.
TEST(Registry, TheFirstKeyBehindACountIsKnown) {
  CommandTable table(CommandGroups(), CommandTable::Case::kAny);
  for (auto [name, place] :
       std::initializer_list<std::pair<std::string_view, int>>{{"GET", 1},
                                                               {"EVALSHA", 3},
                                                               {"FCALL", 3},
                                                               {"BZMPOP", 3},
                                                               {"SINTERCARD", 2},
                                                               {"LMPOP", 2},
                                                               {"ZUNIONSTORE", 1},
                                                               {"SORT", 1},
                                                               {"XREAD", 0},
                                                               {"PING", 0}}) {
    EXPECT_EQ(table.FindName(name)->first_key, place) << name;
  }
}

// COMMAND DOCS and the reference page would leave out the rest.
TEST(Registry, EachCommandWritesItsArgumentsInTheNotation) {
  CommandTable table(CommandGroups(), CommandTable::Case::kAny);
  for (const Command* command : table.all()) {
    std::vector<SyntaxItem> items;
    EXPECT_TRUE(ParseSyntax(command->usage, &items)) << command->name << ": " << command->usage;
  }
}

// The parser makes requests of these names; no line of the text protocol can hold one.
TEST(Registry, EachOpcodeOfMemcachedsBinaryProtocolHasItsCommand) {
  CommandTable table(MemcacheCommandGroups(), CommandTable::Case::kExact);
  for (unsigned code = 0; code < 256; ++code) {
    const memcache::BinaryOpcode* opcode = memcache::FindBinaryOpcode(static_cast<uint8_t>(code));
    if (opcode == nullptr) continue;
    const Command* command = table.FindName(opcode->command);
    ASSERT_NE(command, nullptr) << opcode->command;
    EXPECT_TRUE(command->HasArity(memcache::BinaryParser::kArguments)) << opcode->command;
    EXPECT_NE(opcode->command.find(' '), std::string_view::npos);
    EXPECT_TRUE(!command->keys.any() || opcode->key == memcache::BinaryPart::kMust);
  }
  EXPECT_NE(table.FindName(memcache::kLoginCommand), nullptr);
}

}  // namespace
}  // namespace kiln
