#include "engine/commands/bit_range.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kiln {
namespace {

uint64_t LoadWord(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Set bits of a word by adding ever wider neighbours; the instruction for it is not in every
// machine we run on.
uint64_t CountWord(uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return word * 0x0101010101010101 >> 56;
}

uint64_t CountBytes(std::string_view text) {
  uint64_t count = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) count += CountWord(LoadWord(text.data() + at));
  for (; at < text.size(); ++at) count += CountWord(static_cast<uint8_t>(text[at]));
  return count;
}

// The bits of byte `byte` that are inside the range.
uint8_t InsideMask(size_t byte, BitRange range) {
  unsigned mask = 0xff;
  if (byte == range.first / 8) mask &= 0xffu >> (range.first % 8);
  if (byte == range.last / 8) mask &= 0xffu << (7 - range.last % 8);
  return static_cast<uint8_t>(mask);
}

// A field of 64 bits spans up to nine bytes.
constexpr size_t kSpanBytes = 9;
using Span = unsigned __int128;

Span LoadSpan(std::string_view bytes) {
  Span span = 0;
  for (size_t i = 0; i < kSpanBytes; ++i) {
    span = span << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  }
  return span;
}

unsigned ShiftOf(const BitField& field) {
  return static_cast<unsigned>(kSpanBytes * 8 - field.offset % 8 - field.bits);
}

uint64_t LowBits(unsigned bits) {
  return ~uint64_t{0} >> (64 - bits);
}

}  // namespace

uint64_t CountBits(std::string_view text, BitRange range) {
  size_t first = range.first / 8;
  size_t last = range.last / 8;
  uint64_t count = CountBytes(text.substr(first, last - first + 1));
  for (size_t byte : {first, last}) {
    count -= CountWord(static_cast<uint8_t>(text[byte]) &
                       static_cast<uint8_t>(~InsideMask(byte, range)));
    if (first == last) break;
  }
  return count;
}

std::optional<uint64_t> FindBit(std::string_view text, bool bit, BitRange range) {
  const uint64_t flip = bit ? 0 : ~uint64_t{0};
  size_t last = range.last / 8;
  for (size_t byte = range.first / 8; byte <= last; ++byte) {
    while (byte + 8 <= last && LoadWord(text.data() + byte) == flip) byte += 8;
    auto found =
        static_cast<uint8_t>((static_cast<uint8_t>(text[byte]) ^ flip) & InsideMask(byte, range));
    if (found != 0) return byte * 8 + static_cast<uint64_t>(std::countl_zero(found));
  }
  return std::nullopt;
}

int64_t ReadField(std::string_view text, const BitField& field) {
  size_t byte = std::min<uint64_t>(field.offset / 8, text.size());
  auto value =
      static_cast<uint64_t>(LoadSpan(text.substr(byte)) >> ShiftOf(field)) & LowBits(field.bits);
  bool is_negative = field.is_signed && value >> (field.bits - 1) != 0;
  if (is_negative) value |= ~LowBits(field.bits);
  return static_cast<int64_t>(value);
}

void WriteField(char* text, size_t size, const BitField& field, int64_t value) {
  size_t byte = field.offset / 8;
  size_t count = std::min(size - byte, kSpanBytes);
  unsigned shift = ShiftOf(field);
  Span span = LoadSpan({text + byte, count});
  span &= ~(Span{LowBits(field.bits)} << shift);
  span |= Span{static_cast<uint64_t>(value) & LowBits(field.bits)} << shift;
  for (size_t i = 0; i < count; ++i) {
    text[byte + i] = static_cast<char>(span >> (8 * (kSpanBytes - 1 - i)));
  }
}

}  // namespace kiln
