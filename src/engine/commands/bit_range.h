// Bits of a text, counted as Redis counts them: bit 0 is the highest of the first byte.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln {

// Bits `first` to `last`, both included.
struct BitRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

// How many bits of the range, which must lie inside the text, are set.
uint64_t CountBits(std::string_view text, BitRange range);

// The first bit of the range, which must lie inside the text, that is `bit`.
std::optional<uint64_t> FindBit(std::string_view text, bool bit, BitRange range);

// An integer of 1 to 64 bits at a bit offset, highest bit first.
struct BitField {
  uint64_t offset = 0;
  unsigned bits = 0;
  bool is_signed = false;
};

// Bits past the end of the text are zeros.
int64_t ReadField(std::string_view text, const BitField& field);
// The field must lie inside the `size` bytes at `text`.
void WriteField(char* text, size_t size, const BitField& field, int64_t value);

}  // namespace kiln
