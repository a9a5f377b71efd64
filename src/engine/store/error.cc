#include "engine/store/error.h"

namespace kiln {
namespace {

struct ErrorRow {
  Error error;
  std::string_view text;
};

// clang-format off
constexpr ErrorRow kErrors[] = {
  {Error::kNone,              ""},
  {Error::kWrongType,         "WRONGTYPE Operation against a key holding the wrong kind of value"},
  {Error::kNotInteger,        "ERR value is not an integer or out of range"},
  {Error::kNotFloat,          "ERR value is not a valid float"},
  {Error::kNotPositive,       "ERR value is out of range, must be positive"},
  {Error::kOutOfRange,        "ERR value is out of range"},
  {Error::kSyntax,            "ERR syntax error"},
  {Error::kNoSuchKey,         "ERR no such key"},
  {Error::kOverflow,          "ERR increment or decrement would overflow"},
  {Error::kNanOrInfinity,     "ERR increment would produce NaN or Infinity"},
  {Error::kOutOfMemory,       "OOM command not allowed when used memory > 'maxmemory'."},
  {Error::kStringTooLong,     "ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
  {Error::kIndexOutOfRange,   "ERR index out of range"},
  {Error::kMinMaxNotFloat,    "ERR min or max is not a float"},
  {Error::kMinMaxNotString,   "ERR min or max not valid string range item"},
  {Error::kTimeoutNotFloat,   "ERR timeout is not a float or out of range"},
  {Error::kTimeoutNegative,   "ERR timeout is negative"},
  {Error::kTimeoutOutOfRange, "ERR timeout is out of range"},
  {Error::kInvalidExpire,     "ERR invalid expire time"},
  {Error::kSameObject,        "ERR source and destination objects are the same"},
  {Error::kDbIndexOutOfRange, "ERR DB index is out of range"},
  {Error::kInvalidCursor,     "ERR invalid cursor"},
  {Error::kOffsetOutOfRange,  "ERR offset is out of range"},
  {Error::kNotAllowedInMulti, "ERR Command not allowed inside a transaction"},
  {Error::kTimeoutNotInteger, "ERR timeout is not an integer or out of range"},
};
// clang-format on

constexpr bool InEnumOrder() {
  for (size_t i = 0; i < std::size(kErrors); ++i) {
    if (static_cast<size_t>(kErrors[i].error) != i) return false;
  }
  return std::size(kErrors) == static_cast<size_t>(Error::kCount);
}
static_assert(InEnumOrder(), "one row per error, in the order of the enum");

}  // namespace

std::string_view TextOf(Error error) {
  return kErrors[static_cast<size_t>(error)].text;
}

}  // namespace kiln
