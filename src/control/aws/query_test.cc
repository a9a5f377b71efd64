#include "control/aws/query.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

Arguments::Fields Decoded(std::string_view text) {
  Arguments::Fields fields;
  EXPECT_FALSE(DecodeForm(text, &fields)) << text;
  return fields;
}

bool IsRefused(std::string_view text) {
  Arguments::Fields fields;
  return DecodeForm(text, &fields).fault == Fault::kMalformedQueryString;
}

TEST(Query, DecodesPlusAndEscapes) {
  Arguments::Fields fields = Decoded("AccessString=on+~%2A+%2B%40all&Empty=&Bare&a%3db=%C3%a4");
  EXPECT_EQ(fields["AccessString"], "on ~* +@all");
  EXPECT_EQ(fields["Empty"], "");
  EXPECT_EQ(fields.count("Bare"), 1u);
  EXPECT_EQ(fields["a=b"], "\xc3\xa4");
}

TEST(Query, SkipsEmptyFieldsAndLetsTheLastOfANameCount) {
  Arguments::Fields fields = Decoded("&&a=1&a=2&");
  EXPECT_EQ(fields, (Arguments::Fields{{"a", "2"}}));
}

TEST(Query, RefusesBrokenEscapes) {
  for (const char* text : {"a=%", "a=%4", "a=%zz", "%=1", "a=1&b=%2", "=1"}) {
    EXPECT_TRUE(IsRefused(text)) << text;
  }
}

TEST(Query, RefusesWhatIsNoUtf8) {
  // A lone continuation, an overlong form, a surrogate, beyond U+10FFFF, and one cut short.
  for (const char* text : {"a=%80", "a=%C0%80", "a=%ED%A0%80", "a=%F4%90%80%80", "a=%E2%82"}) {
    EXPECT_TRUE(IsRefused(text)) << text;
  }
  EXPECT_FALSE(IsRefused("a=%F0%9F%98%80%EF%BF%BF%ED%9F%BF"));
}

TEST(Query, LimitsTheNumberOfFields) {
  std::string text;
  for (size_t i = 0; i < kMaxFormFields; ++i) text += "&a" + std::to_string(i) + "=1";
  EXPECT_FALSE(IsRefused(text));
  EXPECT_TRUE(IsRefused(text + "&b=1"));
}

}  // namespace
}  // namespace kiln
