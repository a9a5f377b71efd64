#include "base/hash.h"

#include <sys/random.h>

#include <chrono>

namespace kiln {
namespace {

uint64_t DrawSeed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed)) return seed;
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

const uint64_t kHashSeed = DrawSeed();

}  // namespace kiln
