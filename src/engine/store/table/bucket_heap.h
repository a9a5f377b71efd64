// The memory of every table's buckets and directories, shared by the process.
//
// A table allocates once in some twenty inserts, so one mutex is enough. What is freed stays mapped
// (page_pool.h), which lets the prefetch pass read a table without its lock. Any thread may call
// these.
#pragma once

#include <cstddef>

namespace kiln {

constexpr size_t kMaxBucketHeapBytes = 32768;

// Zeroed, 64-byte aligned. bytes <= kMaxBucketHeapBytes.
void* AllocateBuckets(size_t bytes);
void FreeBuckets(void* memory, size_t bytes);
// Bytes in objects, and bytes of pages behind them.
size_t BucketHeapUsedBytes();
size_t BucketHeapResidentBytes();

}  // namespace kiln
