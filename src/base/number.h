// Numbers as Redis reads and writes them.
//
// Parsers take the whole text or nothing: no spaces, no trailing characters. Formatters give the
// text that Redis 7.2 puts into replies. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// Decimal with an optional '-'. Refuses '+', leading zeros and "-0", so that an accepted text is
// the only text of its number (which lets values be stored as integers and printed back unchanged).
std::optional<int64_t> ParseInt64(std::string_view text);

// Decimal digits only; leading zeros are fine.
std::optional<uint64_t> ParseUint64(std::string_view text);

// What strtod accepts (signs, exponents, hexadecimal floats, any case of "inf" and "infinity"),
// except NaN and values that overflow or round to zero.
std::optional<double> ParseDouble(std::string_view text);

// The same for long double; texts of 5 KiB and more are refused.
std::optional<long double> ParseLongDouble(std::string_view text);

// Room that FormatInt64 may need.
inline constexpr size_t kMaxInt64Chars = 21;

// Writes the decimal form without a terminator and returns its length.
size_t FormatInt64(int64_t value, char* out);

// Room that FormatDouble may need.
inline constexpr size_t kMaxDoubleChars = 32;

inline constexpr auto kShortDigits = [] {
  std::array<std::array<char, 2>, 100> digits{};
  for (size_t i = 0; i < digits.size(); ++i) {
    char ones = static_cast<char>('0' + i % 10);
    if (i < 10) {
      digits[i] = {ones, ' '};
    } else {
      digits[i] = {static_cast<char>('0' + i / 10), ones};
    }
  }
  return digits;
}();

// Writes a number below 100 and returns where it ends; touches two bytes in any case.
inline char* FormatShort(char* out, uint64_t number) {
  std::memcpy(out, kShortDigits[number].data(), 2);
  return out + (number < 10 ? 1 : 2);
}

// The shortest text that reads back as the same double: "3", "3.1", "-inf", "1e+20", "1.5e-7".
// Redis prints the digits of Grisu2, which finds a 17th digit for one double in a thousand where 16
// would do; ours are always the shortest, and both read back the same.
size_t FormatDouble(double value, char* out);
std::string FormatDouble(double value);

// 17 decimals with trailing zeros removed and no exponent: what INCRBYFLOAT stores.
std::string FormatLongDouble(long double value);

}  // namespace kiln
