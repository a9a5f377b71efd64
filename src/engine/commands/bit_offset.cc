#include "engine/commands/bit_offset.h"

#include "base/number.h"
#include "engine/commands/string_value.h"

namespace kiln {

std::optional<uint64_t> ParseBitOffset(Call& call, std::string_view text, int64_t unit) {
  bool in_units = unit > 0 && text.starts_with('#');
  std::optional<int64_t> offset = ParseInt64(in_units ? text.substr(1) : text);
  if (offset && in_units && __builtin_mul_overflow(*offset, unit, &*offset)) offset.reset();
  if (offset && *offset >= 0 &&
      static_cast<uint64_t>(*offset) / 8 < MaxStringBytes(call.settings())) {
    return static_cast<uint64_t>(*offset);
  }
  call.FailText("ERR bit offset is not an integer or out of range");
  return std::nullopt;
}

}  // namespace kiln
