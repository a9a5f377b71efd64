// Reads an entry of an RDB file up to its value.
//
// Thread safety: none. Source: the Redis RDB file format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/persist/rdb_input.h"
#include "engine/store/record.h"

namespace kiln {

struct RdbEntryHead {
  RdbType type = RdbType::kString;
  std::string name;
  uint64_t expiry_ms = kNoExpiry;
  std::optional<uint64_t> idle_seconds;
  std::optional<uint8_t> frequency;
  uint32_t client_flags = 0;  // memcached's, as the CAS number
  uint64_t cas = 0;
};

// The input is then at the value, or broken. Room of `head` is used again.
void ReadRdbEntryHead(RdbInput& in, RdbEntryHead* head);

}  // namespace kiln
