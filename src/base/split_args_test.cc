#include "base/split_args.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace kiln {
namespace {

using Words = std::vector<std::string>;

TEST(SplitArgs, BlanksSeparateWords) {
  EXPECT_EQ(SplitArgs("  set\tkey  value\r\n"), (Words{"set", "key", "value"}));
  EXPECT_EQ(SplitArgs(""), Words{});
  EXPECT_EQ(SplitArgs(" \t "), Words{});
  EXPECT_EQ(SplitArgs(std::string_view("a b\0c", 5)), (Words{"a", "b"}));
}

TEST(SplitArgs, DoubleQuotesTakeEscapes) {
  EXPECT_EQ(SplitArgs(R"(a "b c" "")"), (Words{"a", "b c", ""}));
  EXPECT_EQ(SplitArgs(R"("\x41\n\r\t\b\a\"\\\q")"), (Words{"A\n\r\t\b\a\"\\q"}));
  EXPECT_EQ(SplitArgs(R"("\x4g")"), (Words{"x4g"}));
  EXPECT_EQ(SplitArgs(R"(ab"cd")"), (Words{"abcd"}));
  EXPECT_EQ(SplitArgs(R"("\x00")"), (Words{std::string(1, '\0')}));
}

TEST(SplitArgs, SingleQuotesTakeOnlyTheirOwnEscape) {
  EXPECT_EQ(SplitArgs(R"('a\'b' '\n')"), (Words{"a'b", "\\n"}));
}

TEST(SplitArgs, UnbalancedQuotesAreRefused) {
  for (std::string_view line : {R"("a)", R"('a)", R"("a"b)", R"('a'b)", R"("a\")", R"("\)"}) {
    EXPECT_EQ(SplitArgs(line), std::nullopt) << line;
  }
}

TEST(SplitArgs, QuotedBytesReadBack) {
  Random random(4);
  for (int i = 0; i < 500; ++i) {
    std::string text, quoted;
    for (uint64_t n = random.Below(20); n > 0; --n) text += static_cast<char>(random.Below(256));
    AppendQuoted(text, &quoted);
    ASSERT_EQ(SplitArgs(quoted), Words{text}) << quoted;
  }
}

}  // namespace
}  // namespace kiln
