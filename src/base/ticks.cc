#include "base/ticks.h"

#include "base/time.h"

namespace kiln {

double MeasureTicksPerUs() {
  uint64_t start_us = MonotonicUs();
  uint64_t start = Ticks();
  uint64_t end_us = start_us;
  while (end_us - start_us < 5000) end_us = MonotonicUs();
  return static_cast<double>(Ticks() - start) / static_cast<double>(end_us - start_us);
}

}  // namespace kiln
