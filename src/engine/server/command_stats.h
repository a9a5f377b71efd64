// Per-command counters, one row a command, one table a worker (so that counting touches no shared
// line).
#pragma once

#include <cstdint>

#include "engine/server/latency_histogram.h"

namespace kiln {

struct CommandStats {
  uint64_t calls = 0;
  uint64_t ticks = 0;
  uint64_t rejected = 0;       // refused before it ran
  uint64_t failed = 0;         // ran and answered with an error
  LatencyHistogram latencies;  // while latency-tracking is on

  void Add(const CommandStats& other) {
    calls += other.calls;
    ticks += other.ticks;
    rejected += other.rejected;
    failed += other.failed;
    latencies.AddAll(other.latencies);
  }
};

}  // namespace kiln
