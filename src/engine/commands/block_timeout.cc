#include "engine/commands/block_timeout.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/number.h"

namespace kiln {

bool ReadBlockTimeout(Call& call, std::string_view seconds, uint64_t* deadline_ms) {
  std::optional<long double> number = ParseLongDouble(seconds);
  if (!number) return call.Fail(Error::kTimeoutNotFloat), false;
  constexpr auto kMaxMs = static_cast<long double>(std::numeric_limits<int64_t>::max());
  long double wait_ms = std::ceil(*number * 1000);
  if (wait_ms > kMaxMs) return call.Fail(Error::kTimeoutOutOfRange), false;
  if (wait_ms < 0) return call.Fail(Error::kTimeoutNegative), false;
  if (wait_ms > kMaxMs - static_cast<long double>(call.now_ms())) {
    return call.Fail(Error::kTimeoutOutOfRange), false;
  }
  *deadline_ms = wait_ms == 0 ? 0 : call.now_ms() + static_cast<uint64_t>(wait_ms);
  return true;
}

bool ReadBlockMilliseconds(Call& call, std::string_view milliseconds, uint64_t* deadline_ms) {
  std::optional<int64_t> wait_ms = ParseInt64(milliseconds);
  if (!wait_ms) return call.Fail(Error::kTimeoutNotInteger), false;
  if (*wait_ms < 0) return call.Fail(Error::kTimeoutNegative), false;
  auto now_ms = static_cast<int64_t>(call.now_ms());
  if (*wait_ms > std::numeric_limits<int64_t>::max() - now_ms) {
    return call.Fail(Error::kTimeoutOutOfRange), false;
  }
  *deadline_ms = *wait_ms == 0 ? 0 : static_cast<uint64_t>(now_ms + *wait_ms);
  return true;
}

}  // namespace kiln
