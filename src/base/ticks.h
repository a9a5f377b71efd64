// Ticks: the cheapest clock there is, for measuring how long a command took. Convert with
// TicksToUs.
//
// On x86-64 the time stamp counter, which today's processors run at a constant rate on all cores.
// Any thread.
#pragma once

#include <cstdint>

#ifdef __x86_64__
#include <x86intrin.h>
#else
#include "base/time.h"
#endif

namespace kiln {

inline uint64_t Ticks() {
#ifdef __x86_64__
  return __rdtsc();
#else
  return MonotonicUs();
#endif
}

// Measures the rate of Ticks; takes a few milliseconds. To be called once, at the start.
double MeasureTicksPerUs();

}  // namespace kiln
