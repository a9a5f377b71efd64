#include "base/time.h"

#include <ctime>

namespace kiln {
namespace {

int64_t ReadUs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

int64_t NowMs() {
  return NowUs() / 1000;
}
int64_t NowUs() {
  return ReadUs(CLOCK_REALTIME);
}
uint64_t MonotonicUs() {
  return static_cast<uint64_t>(ReadUs(CLOCK_MONOTONIC));
}

}  // namespace kiln
