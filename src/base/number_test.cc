#include "base/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/random.h"

namespace kiln {
namespace {

TEST(Number, IntegersHaveOneTextOnly) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseInt64("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (std::string_view text : {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "1.0",
                                "0x1", "9223372036854775808", "-9223372036854775809",
                                "18446744073709551616", "100000000000000000000000"}) {
    EXPECT_EQ(ParseInt64(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInt64(std::string_view("1\0", 2)), std::nullopt);
}

TEST(Number, UnsignedIntegersRefuseSignsAndOverflow) {
  EXPECT_EQ(ParseUint64("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ParseUint64("007"), 7u);
  EXPECT_EQ(ParseUint64(std::string(40, '0') + "7"), 7u);
  for (std::string_view text :
       {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "99999999999999999999"}) {
    EXPECT_EQ(ParseUint64(text), std::nullopt) << text;
  }
}

TEST(Number, EveryFormattedIntegerReadsBack) {
  Random random(1);
  char text[kMaxInt64Chars];
  for (int i = 0; i < 2000; ++i) {
    int64_t value = static_cast<int64_t>(random.Next()) >> random.Below(64);
    std::string_view formatted(text, FormatInt64(value, text));
    ASSERT_EQ(formatted, std::to_string(value));
    ASSERT_EQ(ParseInt64(formatted), value);
  }
  EXPECT_EQ(FormatInt64(std::numeric_limits<int64_t>::min(), text), 20u);
}

TEST(Number, IntegersAroundPowersOfTenHaveTheirDigits) {
  char text[kMaxInt64Chars];
  int64_t power = 1;
  for (int digits = 1; digits <= 18; ++digits, power *= 10) {
    for (int64_t value : {power - 1, power, power + 1, -power, 1 - power}) {
      ASSERT_EQ(std::string_view(text, FormatInt64(value, text)), std::to_string(value));
    }
  }
}

TEST(Number, DoublesTakeWhatStrtodTakes) {
  EXPECT_EQ(ParseDouble("3"), 3.0);
  EXPECT_EQ(ParseDouble("+3.5e2"), 350.0);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("5."), 5.0);
  EXPECT_EQ(ParseDouble("0x10"), 16.0);
  EXPECT_EQ(ParseDouble("-0x1p-3"), -0.125);
  EXPECT_EQ(ParseDouble("inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble("+Infinity"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble("-INF"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble("4e-320"), 4e-320);
  for (std::string_view text : {"", "nan", "-nan", "NaN(1)", " 1", "1 ", "1e", "1e400", "-1e400",
                                "1e-400", "+", "--1", "+-1", "abc", "infx", "1,5"}) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
    EXPECT_EQ(ParseLongDouble(text == "1e400" || text == "-1e400" || text == "1e-400" ? "x" : text),
              std::nullopt)
        << text;
  }
  EXPECT_EQ(ParseDouble(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(ParseLongDouble("1e400"), 1e400L);
  EXPECT_EQ(ParseLongDouble(std::string(5 * 1024, '1')), std::nullopt);
}

TEST(Number, DoublesPrintAsRedisPrintsScores) {
  EXPECT_EQ(FormatDouble(3), "3");
  EXPECT_EQ(FormatDouble(3.1), "3.1");
  EXPECT_EQ(FormatDouble(-0.5), "-0.5");
  EXPECT_EQ(FormatDouble(0.0), "0");
  EXPECT_EQ(FormatDouble(-0.0), "-0");
  EXPECT_EQ(FormatDouble(1e17), "100000000000000000");
  EXPECT_EQ(FormatDouble(4611686018427387904.0), "4611686018427387904");
  EXPECT_EQ(FormatDouble(1e20), "1e+20");
  EXPECT_EQ(FormatDouble(12345678901234567e3), "12345678901234567000");
  EXPECT_EQ(FormatDouble(1.5e-7), "1.5e-7");
  EXPECT_EQ(FormatDouble(1.5e-5), "0.000015");
  EXPECT_EQ(FormatDouble(1e-6), "0.000001");
  EXPECT_EQ(FormatDouble(1e-7), "1e-7");
  EXPECT_EQ(FormatDouble(0.012345678901), "0.012345678901");
  EXPECT_EQ(FormatDouble(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(FormatDouble(-5e-324), "-5e-324");
  EXPECT_EQ(FormatDouble(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(FormatDouble(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(FormatDouble(std::nan("")), "nan");
}

TEST(Number, EveryFormattedDoubleReadsBack) {
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    double value = std::bit_cast<double>(random.Next());
    if (i % 2 == 0) value = static_cast<double>(random.Below(1'000'000)) / 1000;
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(ParseDouble(FormatDouble(value)), value);
  }
}

TEST(Number, LongDoublesPrintWithoutExponent) {
  EXPECT_EQ(FormatLongDouble(10.5L), "10.5");
  EXPECT_EQ(FormatLongDouble(3.0L), "3");
  EXPECT_EQ(FormatLongDouble(0.1L), "0.1");
  EXPECT_EQ(FormatLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatLongDouble(5.0e3L), "5000");
  EXPECT_EQ(FormatLongDouble(1e20L), "100000000000000000000");
}

}  // namespace
}  // namespace kiln
