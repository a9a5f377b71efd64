// The clock of the links between primaries and replicas: how long ago one was heard, and when to
// ask, answer or try again. Only for durations, in milliseconds since no certain moment.
//
// A wall clock that somebody sets must neither cut a link that is well nor keep one from coming
// back. Thread safety: any thread.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace kiln {

inline int64_t LinkClockMs() {
  return static_cast<int64_t>(MonotonicUs() / 1000);
}

}  // namespace kiln
