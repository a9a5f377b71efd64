// Per-command counters, one row a command, one table a worker (so that counting touches no shared line).
#pragma once

#include <cstdint>

namespace kiln {

struct CommandStats {
  uint64_t calls = 0;
  uint64_t ticks = 0;
  uint64_t rejected = 0;  // refused before it ran
  uint64_t failed = 0;    // ran and answered with an error
};

}  // namespace kiln
