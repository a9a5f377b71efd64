// The node types, and what a node of each may use.
//
// Memory is that of ElastiCache's user guide ("Node-type specific parameters"), so that a data set
// that fits there fits here. Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kiln {

struct NodeType {
  std::string_view name;
  int64_t maxmemory_bytes;      // redis and valkey, before reserved-memory-percent
  int64_t max_cache_memory_mb;  // memcached
  int threads;
};

// Sorted by name.
std::span<const NodeType> AllNodeTypes();
const NodeType* FindNodeType(std::string_view name);  // null when there is none

}  // namespace kiln
