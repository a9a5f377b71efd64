#include "base/number.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace kiln {
namespace {

constexpr size_t kMaxLongDoubleChars = 5 * 1024;

constexpr char kDigitPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596"
    "979899";

// Decimal digits of a number; of 0 one.
size_t CountDigits(uint64_t number) {
  size_t digits = 1;
  for (; number >= 10000; number /= 10000) digits += 4;
  return digits + (number >= 10) + (number >= 100) + (number >= 1000);
}

// True when the C library's answer must be refused: it overflowed, vanished, or is not a number.
template <class Float>
bool IsRefused(Float value) {
  if (std::isnan(value)) return true;
  return errno == ERANGE && (std::isinf(value) || value == 0);
}

// Calls strtod or strtold on a terminated copy.
template <class Float, class Convert>
std::optional<Float> ParseWithLibrary(const char* text, size_t size, Convert convert) {
  if (size == 0 || std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  Float value = convert(text, &end);
  if (end != text + size || IsRefused(value)) return std::nullopt;
  return value;
}

// The significant digits of a finite double and the power of ten of the last one.
struct Decimal {
  char digits[24];
  int count = 0;
  int exponent = 0;
};

Decimal ShortestDecimal(double magnitude) {
  char text[40];
  char* end =
      std::to_chars(text, text + sizeof(text), magnitude, std::chars_format::scientific).ptr;
  Decimal decimal;
  const char* at = text;
  for (; *at != 'e'; ++at) {
    if (*at != '.') decimal.digits[decimal.count++] = *at;
  }
  at += at[1] == '+' ? 2 : 1;  // from_chars takes no '+'.
  std::from_chars(at, end, decimal.exponent);
  decimal.exponent -= decimal.count - 1;
  return decimal;
}

char* Write(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* WriteZeros(int count, char* out) {
  std::memset(out, '0', static_cast<size_t>(count));
  return out + count;
}

// "d.ddde+XX" with at least one digit in the exponent.
char* WriteScientific(const Decimal& decimal, char* out) {
  std::string_view digits(decimal.digits, static_cast<size_t>(decimal.count));
  *out++ = digits[0];
  if (decimal.count > 1) {
    *out++ = '.';
    out = Write(digits.substr(1), out);
  }
  int exponent = decimal.exponent + decimal.count - 1;
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return out + FormatInt64(std::abs(exponent), out);
}

// Where Redis switches to the scientific form: integers that need 7 or more zeros more than their
// digits, and fractions with more than 6 decimals whose leading digit is beyond the fourth place.
char* WriteDecimal(const Decimal& decimal, char* out) {
  std::string_view digits(decimal.digits, static_cast<size_t>(decimal.count));
  int leading = std::abs(decimal.exponent + decimal.count - 1);
  if (decimal.exponent >= 0 && leading < decimal.count + 7) {
    return WriteZeros(decimal.exponent, Write(digits, out));
  }
  if (decimal.exponent >= 0 || (decimal.exponent <= -7 && leading >= 4)) {
    return WriteScientific(decimal, out);
  }
  int whole = decimal.count + decimal.exponent;
  if (whole <= 0) return Write(digits, WriteZeros(-whole, Write("0.", out)));
  out = Write(digits.substr(0, static_cast<size_t>(whole)), out);
  *out++ = '.';
  return Write(digits.substr(static_cast<size_t>(whole)), out);
}

char* WriteDouble(double value, char* out) {
  if (std::isnan(value)) return Write("nan", out);
  if (std::isinf(value)) return Write(value < 0 ? "-inf" : "inf", out);
  if (value == 0) return Write(std::signbit(value) ? "-0" : "0", out);
  // Integers that a double and an int64 both hold are printed as integers, whatever their length.
  constexpr double kIntegerLimit = 0x1p62;
  if (std::fabs(value) <= kIntegerLimit &&
      value == static_cast<double>(static_cast<int64_t>(value))) {
    return out + FormatInt64(static_cast<int64_t>(value), out);
  }
  if (value < 0) *out++ = '-';
  return WriteDecimal(ShortestDecimal(std::fabs(value)), out);
}

}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  if (text.empty() || text.size() >= kMaxInt64Chars) return std::nullopt;
  if (text == "0") return 0;
  bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text[0] == '0') return std::nullopt;
  std::optional<uint64_t> magnitude = ParseUint64(text);
  uint64_t limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (!magnitude || *magnitude > limit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<uint64_t> ParseUint64(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    unsigned digit = static_cast<unsigned char>(c) - '0';
    if (digit > 9) return std::nullopt;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, uint64_t{digit}, &value)) return std::nullopt;
  }
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) {
    if (std::isnan(value)) return std::nullopt;
    return value;
  }
  // A '+', a hexadecimal float, or an error: rare enough for a copy.
  std::string copy(text);
  return ParseWithLibrary<double>(copy.c_str(), copy.size(), [](const char* at, char** after) {
    return std::strtod(at, after);
  });
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  if (text.size() >= kMaxLongDoubleChars) return std::nullopt;
  char copy[kMaxLongDoubleChars];
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return ParseWithLibrary<long double>(
      copy, text.size(), [](const char* at, char** after) { return std::strtold(at, after); });
}

size_t FormatInt64(int64_t value, char* out) {
  uint64_t rest = static_cast<uint64_t>(value);
  char* at = out;
  if (value < 0) {
    *at++ = '-';
    rest = 0 - rest;
  }
  size_t digits = CountDigits(rest);
  char* last = at + digits;
  for (; rest >= 100; rest /= 100) {
    last -= 2;
    std::memcpy(last, kDigitPairs + 2 * (rest % 100), 2);
  }
  if (rest >= 10) {
    std::memcpy(at, kDigitPairs + 2 * rest, 2);
  } else {
    *at = static_cast<char>('0' + rest);
  }
  return static_cast<size_t>(at - out) + digits;
}

size_t FormatDouble(double value, char* out) {
  return static_cast<size_t>(WriteDouble(value, out) - out);
}

std::string FormatDouble(double value) {
  char text[kMaxDoubleChars];
  return std::string(text, FormatDouble(value, text));
}

std::string FormatLongDouble(long double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[kMaxLongDoubleChars];
  int size = std::snprintf(text, sizeof(text), "%.17Lf", value);
  while (text[size - 1] == '0') --size;
  if (text[size - 1] == '.') --size;
  if (size == 2 && text[0] == '-' && text[1] == '0') return "0";
  return std::string(text, size);
}

}  // namespace kiln
