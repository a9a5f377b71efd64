#include "engine/server/restrictions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/commands/command_table.h"
#include "engine/server/registry.h"

namespace kiln {
namespace {

class Restrictions : public testing::Test {
 protected:
  std::string NameFor(bool is_admin, std::vector<std::string_view> words) {
    const Command* command = table_.FindFor(is_admin, words);
    return command == nullptr ? "" : std::string(command->name);
  }

  CommandTable table_{CommandGroups(), CommandTable::Case::kAny};
};

TEST_F(Restrictions, AreSortedNames) {
  EXPECT_TRUE(std::ranges::is_sorted(ManagedRestrictions()));
  EXPECT_TRUE(std::ranges::is_sorted(MemcacheRestrictions()));
}

TEST_F(Restrictions, HideACommandFromAllButAdministrators) {
  EXPECT_EQ(NameFor(false, {"debug", "SLEEP"}), "DEBUG");
  table_.Restrict(ManagedRestrictions());
  EXPECT_EQ(NameFor(false, {"debug", "SLEEP"}), "");
  EXPECT_EQ(NameFor(true, {"debug", "SLEEP"}), "DEBUG");
  EXPECT_EQ(table_.FindName("DEBUG"), nullptr);
  EXPECT_EQ(NameFor(true, {"NOSUCH"}), "");
  EXPECT_EQ(NameFor(false, {"GET", "k"}), "GET");
}

TEST_F(Restrictions, HideASubcommandAndLeaveItsContainer) {
  table_.Restrict(ManagedRestrictions());
  EXPECT_EQ(NameFor(false, {"CONFIG", "set", "a", "b"}), "CONFIG");
  EXPECT_EQ(NameFor(true, {"CONFIG", "set", "a", "b"}), "CONFIG|SET");
  EXPECT_EQ(NameFor(false, {"CONFIG", "GET", "a"}), "CONFIG|GET");
  EXPECT_EQ(NameFor(true, {"CONFIG", "nosuch"}), "CONFIG");
  EXPECT_EQ(NameFor(true, {"CONFIG"}), "CONFIG");
}

TEST_F(Restrictions, FollowACommandToItsNewName) {
  EXPECT_EQ(table_.Rename("DEBUG", "tools"), CommandTable::Renaming::kDone);
  EXPECT_EQ(table_.Rename("SHUTDOWN", ""), CommandTable::Renaming::kDone);
  table_.Restrict(ManagedRestrictions());
  EXPECT_EQ(NameFor(false, {"TOOLS"}), "");
  EXPECT_EQ(NameFor(true, {"Tools"}), "DEBUG");
  EXPECT_EQ(NameFor(true, {"DEBUG"}), "");
  EXPECT_EQ(NameFor(true, {"SHUTDOWN"}), "");
}

TEST_F(Restrictions, OfOneTableAreNotThoseOfTheNext) {
  table_.Restrict(ManagedRestrictions());
  CommandTable next(CommandGroups(), CommandTable::Case::kAny);
  EXPECT_NE(next.FindName("DEBUG"), nullptr);
  std::vector<std::string_view> words = {"CONFIG", "SET", "a", "b"};
  EXPECT_EQ(next.Find(words)->name, "CONFIG|SET");
}

TEST_F(Restrictions, HideMemcachedsVerbsToo) {
  CommandTable table(MemcacheCommandGroups(), CommandTable::Case::kExact);
  table.Restrict(MemcacheRestrictions());
  std::vector<std::string_view> words = {"config", "set", "cluster", "0", "\r\n"};
  EXPECT_EQ(table.Find(words)->name, "config");
  EXPECT_EQ(table.FindFor(true, words)->name, "config|set");
  words[1] = "get";
  EXPECT_EQ(table.Find(words)->name, "config|get");
}

}  // namespace
}  // namespace kiln
