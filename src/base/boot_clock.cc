#include "base/boot_clock.h"

#include <time.h>

namespace kiln {

int64_t BootMs() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace kiln
