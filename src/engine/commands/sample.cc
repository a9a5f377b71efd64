#include "engine/commands/sample.h"

#include <limits>

namespace kiln {

bool ReadSampleCount(Call& call, int64_t* count) {
  *count = call.args.Integer();
  if (!call.args.ok()) {
    call.Fail(call.args.error());
    return false;
  }
  // Its absolute value must be an integer, too.
  if (*count != std::numeric_limits<int64_t>::min()) return true;
  call.FailText(
      "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  return false;
}

}  // namespace kiln
