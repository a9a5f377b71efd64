// Offsets of bits in arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/commands/call.h"

namespace kiln {

// A bit's offset within the longest string allowed. With a `unit` (BITFIELD's field width) "#3"
// means three of those. Nothing when it is wrong; then the client has been told.
std::optional<uint64_t> ParseBitOffset(Call& call, std::string_view text, int64_t unit = 0);

}  // namespace kiln
