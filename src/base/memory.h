// The process allocator: everything that is not a record goes through here and is counted.
//
// operator new and delete are replaced to call these, so containers count too. Counters are per
// thread and summed on demand, so allocation touches no shared cache line. Any thread may call any
// of these.
#pragma once

#include <cstddef>

namespace kiln {

// Never returns null: the process ends when the system has no memory left. `bytes` may be 0.
void* AllocateBytes(size_t bytes);
void* ReallocateBytes(void* memory, size_t bytes);
void FreeBytes(void* memory);

// What the allocator really set aside for this block; a caller may use all of it.
size_t UsableBytes(const void* memory);

// The usable size a block of `bytes` would get.
size_t GoodSizeBytes(size_t bytes);

// Adds to the calling thread's count: for memory that is handed out by our own heaps.
void CountBytes(long long bytes);

// Bytes allocated and not yet freed, over all threads (records' own pages are counted by
// store/page_pool.h). Exact when no thread allocates; otherwise off by what is in flight.
size_t AllocatedBytes();

// Asks the allocator to give unused memory back to the system.
void ReleaseUnusedMemory();

// Lets a thread of the allocator's own give freed pages back to the system, a few at a time, so
// that nobody who allocates does it in one go. To be called once, by a process that forks no more.
void ReleaseMemoryInBackground();

}  // namespace kiln
