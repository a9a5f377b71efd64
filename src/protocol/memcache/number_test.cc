#include "protocol/memcache/number.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln::memcache {
namespace {

TEST(MemcacheNumber, ReadsPlainDigits) {
  uint32_t flags = 0;
  EXPECT_TRUE(ReadUint32("42", &flags));
  EXPECT_EQ(flags, 42u);
  EXPECT_TRUE(ReadUint32("4294967295", &flags));
  EXPECT_EQ(flags, 4294967295u);
  uint64_t cas = 0;
  EXPECT_TRUE(ReadUint64("18446744073709551615", &cas));
  EXPECT_EQ(cas, ~uint64_t{0});
  int32_t expiry = 0;
  EXPECT_TRUE(ReadInt32("-1", &expiry));
  EXPECT_EQ(expiry, -1);
}

TEST(MemcacheNumber, CutsWideNumbersAsMemcachedDoes) {
  uint32_t flags = 0;
  EXPECT_TRUE(ReadUint32("4294967297", &flags));
  EXPECT_EQ(flags, 1u);
  int32_t length = 0;
  EXPECT_TRUE(ReadInt32("4294967299", &length));
  EXPECT_EQ(length, 3);
}

TEST(MemcacheNumber, StopsAtASpace) {
  uint64_t number = 0;
  for (const char* text :
       {"12", "12 ", "12 pies", "12\tx", "+12", " 12", "0000000000000000000000012"}) {
    EXPECT_TRUE(ReadUint64(text, &number)) << text;
    EXPECT_EQ(number, 12u) << text;
  }
}

TEST(MemcacheNumber, RefusesWhatIsNone) {
  uint64_t number = 0;
  for (const char* text :
       {"", " ", "x", "12x", "-1", "- 1", "18446744073709551616", "1.5", "0x10"}) {
    EXPECT_FALSE(ReadUint64(text, &number)) << '"' << text << '"';
  }
  int32_t small = 0;
  for (const char* text : {"", "x", "99999999999999999999", "1,0"})
    EXPECT_FALSE(ReadInt32(text, &small)) << text;
}

TEST(MemcacheNumber, TakesAZeroByteForTheEnd) {
  using namespace std::string_view_literals;
  uint64_t number = 0;
  EXPECT_TRUE(ReadUint64("7\0x"sv, &number));
  EXPECT_EQ(number, 7u);
}

}  // namespace
}  // namespace kiln::memcache
