#include "base/ticks.h"

#include <chrono>

namespace kiln {
namespace {

struct Moment {
  uint64_t ticks = 0;
  int64_t ns = 0;
};

// Both clocks at one moment: of a few tries the quickest, for a thread may be held up between them.
Moment BothClocks() {
  Moment best;
  uint64_t least = ~uint64_t{0};
  for (int i = 0; i < 8; ++i) {
    uint64_t before = Ticks();
    int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     std::chrono::steady_clock::now().time_since_epoch())
                     .count();
    uint64_t between = Ticks() - before;
    if (between >= least) continue;
    least = between;
    best = {before + between / 2, ns};
  }
  return best;
}

}  // namespace

double MeasureTicksPerUs() {
  constexpr int64_t kLengthNs = 5'000'000;
  Moment start = BothClocks();
  Moment end = start;
  while (end.ns - start.ns < kLengthNs) end = BothClocks();
  return static_cast<double>(end.ticks - start.ticks) * 1000 /
         static_cast<double>(end.ns - start.ns);
}

}  // namespace kiln
