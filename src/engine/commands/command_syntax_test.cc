#include "engine/commands/command_syntax.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

std::vector<SyntaxItem> Parsed(std::string_view text) {
  std::vector<SyntaxItem> items;
  EXPECT_TRUE(ParseSyntax(text, &items)) << text;
  return items;
}

TEST(CommandSyntax, NamesTellTypes) {
  auto items = Parsed("key value seconds score pattern unix-time-seconds start:string");
  ASSERT_EQ(items.size(), 7U);
  EXPECT_EQ(items[0].type, SyntaxType::kKey);
  EXPECT_EQ(items[1].type, SyntaxType::kString);
  EXPECT_EQ(items[2].type, SyntaxType::kInteger);
  EXPECT_EQ(items[3].type, SyntaxType::kDouble);
  EXPECT_EQ(items[4].type, SyntaxType::kPattern);
  EXPECT_EQ(items[5].type, SyntaxType::kUnixTime);
  EXPECT_EQ(items[6].type, SyntaxType::kString);
}

TEST(CommandSyntax, ATokenBelongsToTheArgumentBehindIt) {
  auto items = Parsed("[LIMIT limit=(offset count)] no-one=(NO ONE) [change=CH@3.0.2]");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].token, "LIMIT");
  EXPECT_EQ(items[0].type, SyntaxType::kBlock);
  EXPECT_TRUE(items[0].optional);
  EXPECT_EQ(items[0].children.size(), 2U);
  EXPECT_EQ(items[1].children[0].type, SyntaxType::kPureToken);
  EXPECT_EQ(items[1].children[1].token, "ONE");
  EXPECT_EQ(items[2].name, "change");
  EXPECT_EQ(items[2].token, "CH");
  EXPECT_EQ(items[2].since, "3.0.2");
}

TEST(CommandSyntax, ChoicesHoldOptionalAndQuotedItems) {
  auto items =
      Parsed("filter=<old'ip:port'!2.8.12|[TYPE type=<'normal'|'master'@3.2.0>...]|id='*'>");
  ASSERT_EQ(items.size(), 1U);
  const auto& choices = items[0].children;
  ASSERT_EQ(choices.size(), 3U);
  EXPECT_EQ(choices[0].display, "ip:port");
  EXPECT_EQ(choices[0].deprecated_since, "2.8.12");
  EXPECT_TRUE(choices[1].optional);
  EXPECT_TRUE(choices[1].multiple);
  EXPECT_EQ(choices[1].token, "TYPE");
  EXPECT_EQ(choices[1].children[1].since, "3.2.0");
  EXPECT_EQ(choices[2].token, "*");
}

TEST(CommandSyntax, KeysCountSpecificationsUnlessTheySayOtherwise) {
  auto items = Parsed("key1 key2#0 [GET get-pattern'pattern'#1*] [STORE destination]");
  EXPECT_EQ(items[0].key_spec, 0);
  EXPECT_EQ(items[1].key_spec, 0);
  EXPECT_EQ(items[2].key_spec, 1);
  EXPECT_TRUE(items[2].repeats_token);
  EXPECT_EQ(items[3].key_spec, 2);
}

TEST(CommandSyntax, OtherTextIsRefused) {
  std::vector<SyntaxItem> items;
  for (std::string_view text :
       {"key [count", "key  value", "mode=<A|>", "a=(b", "key:number", "]"}) {
    EXPECT_FALSE(ParseSyntax(text, &items)) << text;
  }
}

}  // namespace
}  // namespace kiln
