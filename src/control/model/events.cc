#include "control/model/events.h"

#include <fmt/format.h>

#include <atomic>
#include <random>

#include "control/model/store_keys.h"

namespace kiln {

std::string NewEventKey(int64_t time_ms) {
  // A counter keeps the order of one process; the random start keeps processes apart.
  static std::atomic<uint32_t> next{std::random_device{}()};
  return fmt::format("{}{:013}-{:08x}", kEventPrefix, time_ms, next.fetch_add(1));
}

std::string FirstEventKey(int64_t time_ms) {
  return fmt::format("{}{:013}", kEventPrefix, time_ms);
}

}  // namespace kiln
