#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace kiln {
namespace {

TEST(Glob, StarsAndQuestionMarksTakeAnyBytes) {
  EXPECT_TRUE(GlobMatches("h?llo", "hello"));
  EXPECT_FALSE(GlobMatches("h?llo", "hllo"));
  EXPECT_TRUE(GlobMatches("h*llo", "hllo"));
  EXPECT_TRUE(GlobMatches("*", "x"));
  EXPECT_TRUE(GlobMatches("**a**", "bab"));
  EXPECT_TRUE(GlobMatches("a*", "a"));
  EXPECT_TRUE(GlobMatches("a***", "a"));
  EXPECT_FALSE(GlobMatches("a", "ab"));
  EXPECT_FALSE(GlobMatches("", "a"));
  EXPECT_TRUE(GlobMatches("*ab*cd", "xabababcdcd"));
}

TEST(Glob, AnEmptyTextMatchesOnlyTheEmptyPattern) {
  EXPECT_TRUE(GlobMatches("", ""));
  EXPECT_FALSE(GlobMatches("*", ""));
  EXPECT_FALSE(GlobMatches("**", ""));
}

TEST(Glob, ClassesHaveRangesNegationAndEscapes) {
  EXPECT_TRUE(GlobMatches("h[ae]llo", "hallo"));
  EXPECT_FALSE(GlobMatches("h[ae]llo", "hillo"));
  EXPECT_FALSE(GlobMatches("h[^e]llo", "hello"));
  EXPECT_TRUE(GlobMatches("h[a-b]llo", "hbllo"));
  EXPECT_TRUE(GlobMatches("h[b-a]llo", "hallo"));
  EXPECT_TRUE(GlobMatches("[\\]]", "]"));
  EXPECT_FALSE(GlobMatches("[]", "a"));
  EXPECT_TRUE(GlobMatches("[^]", "a"));
  EXPECT_TRUE(GlobMatches("[abc", "c"));
  EXPECT_TRUE(GlobMatches("[a-]b", "b"));  // The range runs from ']' to 'a'; the class has no end.
  EXPECT_TRUE(GlobMatches("[\\", "\\"));
  EXPECT_TRUE(GlobMatches("[^", "x"));
}

TEST(Glob, BackslashTakesTheNextByteLiterally) {
  EXPECT_TRUE(GlobMatches("h\\*llo", "h*llo"));
  EXPECT_FALSE(GlobMatches("h\\*llo", "hello"));
  EXPECT_TRUE(GlobMatches("a\\", "a\\"));
}

TEST(Glob, CaseIsIgnoredOnDemand) {
  EXPECT_FALSE(GlobMatches("HELLO", "hello"));
  EXPECT_TRUE(GlobMatches("HE[L-M]?O", "hello", true));
  EXPECT_FALSE(GlobMatches("[\\A]", "a", true));
}

TEST(Glob, BytesMayBeZeroOrBeyondAscii) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(GlobMatches("a\0*"sv, "a\0b"sv));
  EXPECT_TRUE(GlobMatches("[\x80-\xff]", "\xc3"));
  EXPECT_FALSE(GlobMatches("[a-\xff]", "z"));
}

TEST(Glob, ManyStarsStayCheap) {
  std::string pattern;
  for (int i = 0; i < 32 * 1024; ++i) pattern += "a*";
  pattern += "b";
  std::string text(64 * 1024, 'a');
  EXPECT_FALSE(GlobMatches(pattern, text));
  EXPECT_TRUE(GlobMatches(pattern, text + "b"));
}

// The definition by recursion, for patterns without classes.
bool Model(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return Model(pattern.substr(1), text) || (!text.empty() && Model(pattern, text.substr(1)));
  }
  if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
  return Model(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithItsDefinition) {
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string pattern, text;
    for (uint64_t n = random.Below(8); n > 0; --n) pattern += "ab*?"[random.Below(4)];
    for (uint64_t n = 1 + random.Below(8); n > 0; --n) text += "ab"[random.Below(2)];
    ASSERT_EQ(GlobMatches(pattern, text), Model(pattern, text)) << pattern << " on " << text;
  }
}

}  // namespace
}  // namespace kiln
