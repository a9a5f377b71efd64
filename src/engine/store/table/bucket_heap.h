// The memory of every table's buckets and directories, shared by the process.
//
// A table allocates once in some twenty inserts, so one mutex each is enough. What is freed stays
// mapped (page_pool.h) and never serves the other purpose: the prefetch pass reads a table without
// its lock, and what it finds in a directory freed meanwhile must still be a directory's words,
// for it follows them. Any thread may call these.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kiln {

constexpr size_t kMaxBucketHeapBytes = 32768;

// Zeroed, 64-byte aligned. bytes <= kMaxBucketHeapBytes.
void* AllocateBuckets(size_t bytes);
void FreeBuckets(void* memory, size_t bytes);
// Words that are zero; at most kMaxBucketHeapBytes of them.
std::atomic<uint64_t>* AllocateDirectory(size_t words);
void FreeDirectory(std::atomic<uint64_t>* directory, size_t words);
// Bytes in objects, and bytes of pages behind them.
size_t BucketHeapUsedBytes();
size_t BucketHeapResidentBytes();

}  // namespace kiln
