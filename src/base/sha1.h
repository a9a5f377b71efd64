// SHA-1 (FIPS 180-4), where a protocol demands it: names of scripts, digests of a dataset. Not for secrets. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

using Sha1Digest = std::array<uint8_t, 20>;

Sha1Digest Sha1(std::string_view bytes);

// Forty hexadecimal digits.
std::string HexOf(const Sha1Digest& digest);

}  // namespace kiln
