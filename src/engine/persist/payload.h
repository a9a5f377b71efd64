// What DUMP and FUNCTION DUMP give: bytes in the RDB format, then the format's version (2 bytes)
// and a CRC-64 of all before it (8 bytes), both little-endian.
//
// Any thread. Source: the Redis RDB file format.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

void SealPayload(std::string* bytes);
// The bytes; nullopt when the version is of a later Redis or the checksum is wrong.
std::optional<std::string_view> OpenPayload(std::string_view payload);

}  // namespace kiln
