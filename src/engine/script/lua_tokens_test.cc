#include "engine/script/lua_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

std::string Joined(std::string_view source) {
  auto tokens = ReadLuaTokens(source, 1000);
  if (!tokens) return "nothing";
  std::string joined;
  for (const LuaToken& token : *tokens) {
    if (token.kind != LuaToken::Kind::kEnd) joined.append(token.text).append(1, ' ');
  }
  return joined;
}

TEST(LuaTokens, SymbolsAreAsLongAsTheyCanBe) {
  EXPECT_EQ(Joined("a..b...c==d~=e<=f>=g=h.i"), "a .. b ... c == d ~= e <= f >= g = h . i ");
}

TEST(LuaTokens, NumbersEndWhereLuaEndsThem) {
  EXPECT_EQ(Joined("1e-5+0x1F-.5*3"), "1e-5 + 0x1F - .5 * 3 ");
}

TEST(LuaTokens, CommentsVanish) {
  EXPECT_EQ(Joined("a -- b\nc --[[ d\n ]] e --[==[ ]] ]==] f --[=g\nh"), "a c e f h ");
}

TEST(LuaTokens, StringsAreTheirInside) {
  auto tokens = ReadLuaTokens(R"('a' "b'" "c\"d" [[e]] [=[f]]]=])", 1000);
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 6u);
  EXPECT_EQ((*tokens)[0].text, "a");
  EXPECT_TRUE((*tokens)[0].is_plain);
  EXPECT_EQ((*tokens)[1].text, "b'");
  EXPECT_EQ((*tokens)[2].text, R"(c\"d)");
  EXPECT_FALSE((*tokens)[2].is_plain);
  EXPECT_EQ((*tokens)[3].text, "e");
  EXPECT_EQ((*tokens)[4].text, "f]]");
}

TEST(LuaTokens, KeywordsAreNoNames) {
  auto tokens = ReadLuaTokens("while whiles", 1000);
  ASSERT_TRUE(tokens);
  EXPECT_TRUE((*tokens)[0].Is("while"));
  EXPECT_TRUE((*tokens)[1].IsNamed("whiles"));
}

TEST(LuaTokens, GivesUpOnWhatLuaRefuses) {
  for (std::string_view source : {"'a", "\"a\nb\"", "[[a", "--[[a", "a $ b", "a \x80 b", "'a\\"}) {
    EXPECT_FALSE(ReadLuaTokens(source, 1000)) << source;
  }
  EXPECT_FALSE(ReadLuaTokens(std::string_view("a\0b", 3), 1000));
}

TEST(LuaTokens, GivesUpOnLongSource) {
  EXPECT_TRUE(ReadLuaTokens("aaaa", 4));
  EXPECT_FALSE(ReadLuaTokens("aaaaa", 4));
}

}  // namespace
}  // namespace kiln
