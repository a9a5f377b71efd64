#include "engine/security/acl_file.h"

#include <gtest/gtest.h>

#include "engine/security/acl_fixture.h"

namespace kiln {
namespace {

std::string Parse(std::string_view text, AclUsers* users) {
  return ParseAclFile(text, "users.acl", AclTestTable(), ChannelDefault::kResetChannels, users);
}

TEST(AclFile, WhatIsWrittenIsReadBack) {
  AclUsers users;
  EXPECT_EQ(Parse("user bob on  >b ~x +get (~y +set) ( %R~z  +@all -@dangerous )\r\n"
                  "\n"
                  "  user alice off nopass &* +select|0",
                  &users),
            "");
  ASSERT_EQ(users.size(), 2u);
  std::string text = FormatAclFile(users);
  EXPECT_TRUE(text.starts_with("user alice off nopass sanitize-payload &* -@all +select|0\n"));
  AclUsers again;
  EXPECT_EQ(Parse(text, &again), "");
  EXPECT_EQ(FormatAclFile(again), text);
}

TEST(AclFile, TellsAllThatIsWrongWithItsLines) {
  AclUsers users;
  EXPECT_EQ(Parse("# a comment\nuser\nuser a foo bar +nosuch\nuser a\nuser b (+get\n", &users),
            "users.acl:1 should start with user keyword followed by the username. "
            "users.acl:2 should start with user keyword followed by the username. "
            "users.acl:3: Syntax error. "
            "users.acl:3: Error in applying operation '+nosuch': Unknown command or category name "
            "in ACL. "
            "WARNING: Duplicate user 'a' found on line 4. "
            "users.acl:5: Unmatched parenthesis in selector definition. ");
  EXPECT_EQ(Parse("user b\vc", &users),
            "'users.acl:1: username 'b\vc' contains invalid characters. ");
}

}  // namespace
}  // namespace kiln
