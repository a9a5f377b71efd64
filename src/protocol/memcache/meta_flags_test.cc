#include "protocol/memcache/meta_flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kiln::memcache {
namespace {

std::string_view ErrorOf(std::vector<std::string_view> words) {
  MetaFlags flags;
  return ReadMetaFlags(words, &flags);
}

std::string Decoded(std::string_view text) {
  std::string bytes(text.size(), '\0');
  bytes.resize(DecodeBase64(text, bytes.data()));
  return bytes;
}

std::string Encoded(std::string_view bytes) {
  std::string text(bytes.size() / 3 * 4 + 4, '\0');
  text.resize(static_cast<size_t>(EncodeBase64(bytes, text.data()) - text.data()));
  return text;
}

TEST(MetaFlags, AreReadWithTheirTokens) {
  std::vector<std::string_view> words = {"v",  "q", "T-1", "F7", "C18446744073709551615",
                                         "MA", "Ox"};
  MetaFlags flags;
  EXPECT_EQ(ReadMetaFlags(words, &flags), "");
  EXPECT_TRUE(flags.has_value() && flags.is_quiet() && flags.has_expiry() && flags.has_cas());
  EXPECT_FALSE(flags.invalidates() || flags.vivifies() || flags.is_opaque_too_long);
  EXPECT_EQ(flags.exptime, -1);
  EXPECT_EQ(flags.client_flags, 7u);
  EXPECT_EQ(flags.cas, ~uint64_t{0});
  EXPECT_EQ(flags.mode, 'A');
  EXPECT_EQ(flags.delta, 1u);
}

TEST(MetaFlags, AreRefusedWhenUnknownOrTwice) {
  EXPECT_EQ(ErrorOf({"v", "v"}), "CLIENT_ERROR duplicate flag");
  EXPECT_EQ(ErrorOf({"O1", "O2"}), "CLIENT_ERROR duplicate flag");
  EXPECT_EQ(ErrorOf({"\x80"}), "CLIENT_ERROR duplicate flag");
  EXPECT_EQ(ErrorOf({"j"}), "CLIENT_ERROR invalid flag");
}

TEST(MetaFlags, TellOfTheLastWrongToken) {
  EXPECT_EQ(ErrorOf({"Tx", "MAA"}), "CLIENT_ERROR incorrect length for M token");
  EXPECT_EQ(ErrorOf({"MAA", "Fx"}), "CLIENT_ERROR incorrect length for M token");
  EXPECT_EQ(ErrorOf({"Fx"}), "CLIENT_ERROR bad command line format");
}

TEST(MetaFlags, HaveShortOpaques) {
  MetaFlags flags;
  std::string longest = "O" + std::string(kMaxOpaqueBytes - 1, 'x');
  std::string_view word = longest;
  EXPECT_EQ(ReadMetaFlags({&word, 1}, &flags), "");
  EXPECT_FALSE(flags.is_opaque_too_long);
  std::string too_long = longest + "x";
  word = too_long;
  EXPECT_EQ(ReadMetaFlags({&word, 1}, &flags), "");
  EXPECT_TRUE(flags.is_opaque_too_long);
}

TEST(MetaBase64, ComesBackAsItWas) {
  for (std::string_view bytes : {"a", "ab", "abc", "abcd", "\xff\x01\x80"}) {
    EXPECT_EQ(Decoded(Encoded(bytes)), bytes);
  }
  EXPECT_EQ(Encoded("bcd"), "YmNk");
  EXPECT_EQ(Encoded("b"), "Yg==");
}

TEST(MetaBase64, IsRefusedWhenCutOff) {
  for (std::string_view text : {"", "b64", "====", "a===", "!!!!"}) EXPECT_EQ(Decoded(text), "");
}

}  // namespace
}  // namespace kiln::memcache
