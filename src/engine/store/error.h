// The engine's errors, as values. Text is made at the edge, by the reply writer, from the rows in
// error.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace kiln {

enum class Error : uint8_t {
  kNone,
  kWrongType,
  kNotInteger,
  kNotFloat,
  kNotPositive,
  kOutOfRange,
  kSyntax,
  kNoSuchKey,
  kOverflow,
  kNanOrInfinity,
  kOutOfMemory,
  kStringTooLong,
  kIndexOutOfRange,
  kMinMaxNotFloat,
  kMinMaxNotString,
  kTimeoutNotFloat,
  kTimeoutNegative,
  kTimeoutOutOfRange,
  kInvalidExpire,
  kSameObject,
  kDbIndexOutOfRange,
  kInvalidCursor,
  kOffsetOutOfRange,
  kNotAllowedInMulti,
  kTimeoutNotInteger,
  kCount,
};

template <typename T>
using StoreResult = Result<T, Error>;

// The whole error line without its '-' and line end, such as "WRONGTYPE Operation against ...".
std::string_view TextOf(Error error);

}  // namespace kiln
