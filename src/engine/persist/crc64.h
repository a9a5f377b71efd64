// CRC-64 with the Jones polynomial, reflected, as RDB files and DUMP payloads end with.
//
// Source: the Redis RDB file format. Any thread; 8 bytes a step.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

// Goes on from `crc`, which is 0 at the start.
uint64_t Crc64(uint64_t crc, std::string_view bytes);

}  // namespace kiln
