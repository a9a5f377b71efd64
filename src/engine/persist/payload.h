// What DUMP and FUNCTION DUMP give: bytes in the RDB format, then the format's version (2 bytes)
// and a CRC-64 of all before it (8 bytes), both little-endian.
//
// Any thread. Source: the Redis RDB file format.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/persist/rdb_format.h"

namespace kiln {

void SealPayload(std::string* bytes, uint16_t version = kRdbVersion);

struct OpenedPayload {
  std::string_view bytes;
  uint16_t version;
};
// Nullopt when the version is none of ours or the checksum is wrong, unless that is not looked at
// (tests of damaged payloads).
std::optional<OpenedPayload> OpenPayload(std::string_view payload, bool skips_checksum = false);

}  // namespace kiln
