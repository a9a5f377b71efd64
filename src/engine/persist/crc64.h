// CRC-64 with the Jones polynomial, reflected, as RDB files and DUMP payloads end with.
//
// Long texts are folded 64 bytes at a time with carry-less multiplication where the processor has
// it, else 8 bytes a step by tables. Source: the Redis RDB file format; Gopal et al., "Fast CRC
// Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009). Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

// Goes on from `crc`, which is 0 at the start.
uint64_t Crc64(uint64_t crc, std::string_view bytes);
// The same by tables alone.
uint64_t Crc64ByTables(uint64_t crc, std::string_view bytes);

}  // namespace kiln
