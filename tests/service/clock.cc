// A library that tests load before kilnd (LD_PRELOAD) to live in another time: the wall clock is
// ahead by KILN_CLOCK_AHEAD_S seconds. Other clocks stay, so that waiting takes as long as ever.
//
// Any thread.

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

time_t AheadSeconds() {
  static const time_t seconds = [] {
    const char* text = std::getenv("KILN_CLOCK_AHEAD_S");
    return static_cast<time_t>(text == nullptr ? 0 : std::strtoll(text, nullptr, 10));
  }();
  return seconds;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  int result = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += AheadSeconds();
  return result;
}
