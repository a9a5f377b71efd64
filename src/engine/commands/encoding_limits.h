// The limits up to which collections stay compact, from the settings to the form that value types
// take.
#pragma once

#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"
#include "engine/store/types/stream.h"
#include "params/settings.h"

namespace kiln {

inline HashLimits HashLimitsOf(const Settings& settings) {
  return {.max_listpack_entries = static_cast<size_t>(settings.hash_max_listpack_entries),
          .max_listpack_value = static_cast<size_t>(settings.hash_max_listpack_value_bytes)};
}

inline ListLimits ListLimitsOf(const Settings& settings) {
  return {.max_listpack_size = settings.list_max_listpack_size};
}

inline SetLimits SetLimitsOf(const Settings& settings) {
  return {.max_intset_entries = static_cast<size_t>(settings.set_max_intset_entries),
          .max_listpack_entries = static_cast<size_t>(settings.set_max_listpack_entries),
          .max_listpack_value = static_cast<size_t>(settings.set_max_listpack_value_bytes)};
}

inline StreamLimits StreamLimitsOf(const Settings& settings) {
  return {.max_node_bytes = static_cast<size_t>(settings.stream_node_max_bytes),
          .max_node_entries = static_cast<size_t>(settings.stream_node_max_entries)};
}

inline ZsetLimits ZsetLimitsOf(const Settings& settings) {
  return {.max_listpack_entries = static_cast<size_t>(settings.zset_max_listpack_entries),
          .max_listpack_value = static_cast<size_t>(settings.zset_max_listpack_value_bytes)};
}

}  // namespace kiln
