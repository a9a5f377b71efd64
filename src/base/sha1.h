// SHA-1 (FIPS 180-4), where a protocol demands it: names of scripts, digests of a dataset. Not for
// secrets. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kiln {

using Sha1Digest = std::array<uint8_t, 20>;
using Sha1Text = std::array<char, 40>;

Sha1Digest Sha1(std::string_view bytes);

// Lower-case hexadecimal digits.
Sha1Text HexOf(const Sha1Digest& digest);

}  // namespace kiln
