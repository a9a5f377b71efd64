// Asking for a cache line ahead of its use.
//
// Any address will do, even one that is not mapped. Any thread.
#pragma once

namespace kiln {

// Not __builtin_prefetch on x86-64: GCC 12 takes a function that does nothing else for one without
// effects, and drops the calls of it.
inline void Prefetch(const void* address) {
#ifdef __x86_64__
  asm volatile("prefetcht0 (%0)" : : "r"(address));
#else
  __builtin_prefetch(address);
#endif
}

}  // namespace kiln
