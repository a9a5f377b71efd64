// Checks of the process's own invariants. User input never reaches one.
#pragma once

namespace kiln {

// Prints where and what, then aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);

#ifdef KILN_DEBUG
inline constexpr bool kIsDebugBuild = true;
#else
inline constexpr bool kIsDebugBuild = false;
#endif

}  // namespace kiln

#define KILN_CHECK(condition)                   \
  (__builtin_expect(!!(condition), 1) ? (void)0 \
                                      : ::kiln::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef KILN_DEBUG
#define KILN_DCHECK(condition) KILN_CHECK(condition)
#else
#define KILN_DCHECK(condition) ((void)sizeof(condition))
#endif
