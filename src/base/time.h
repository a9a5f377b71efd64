// Clocks. Any thread; a call costs about 20 ns (no system call).
#pragma once

#include <cstdint>

namespace kiln {

// Wall clock since 1970, UTC. May jump when the system's clock is set.
int64_t NowMs();
int64_t NowUs();

// Never goes back; for durations only.
uint64_t MonotonicUs();

}  // namespace kiln
