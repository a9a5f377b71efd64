#include "engine/commands/bit_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/random.h"

namespace kiln {
namespace {

bool BitOf(std::string_view text, uint64_t at) {
  return at / 8 < text.size() && (static_cast<uint8_t>(text[at / 8]) >> (7 - at % 8) & 1) != 0;
}

// Long runs of equal bytes, so that whole words are skipped.
std::string RandomText(Random& random) {
  std::string text;
  size_t runs = 1 + random.Below(4);
  for (size_t i = 0; i < runs; ++i) {
    constexpr char kBytes[] = {'\0', '\xff', '\x10', '\xfe'};
    char byte =
        random.Below(4) == 0 ? static_cast<char>(random.Below(256)) : kBytes[random.Below(4)];
    text.append(1 + random.Below(20), byte);
  }
  return text;
}

BitRange RandomRange(Random& random, size_t bits) {
  uint64_t first = random.Below(bits);
  return {first, first + random.Below(bits - first)};
}

TEST(BitRange, CountsAndFindsAsABitByBitModel) {
  constexpr uint64_t kSeed = 7;
  Random random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string text = RandomText(random);
    BitRange range = RandomRange(random, text.size() * 8);
    bool bit = random.Below(2) == 1;
    uint64_t count = 0;
    std::optional<uint64_t> first;
    for (uint64_t at = range.first; at <= range.last; ++at) {
      count += BitOf(text, at);
      if (!first && BitOf(text, at) == bit) first = at;
    }
    ASSERT_EQ(CountBits(text, range), count) << "seed " << kSeed << " round " << round;
    ASSERT_EQ(FindBit(text, bit, range), first) << "seed " << kSeed << " round " << round;
  }
}

TEST(BitField, ReadsZerosPastTheEnd) {
  EXPECT_EQ(ReadField("", {.offset = 0, .bits = 64, .is_signed = true}), 0);
  EXPECT_EQ(ReadField("\xff", {.offset = 4, .bits = 8, .is_signed = false}), 0xf0);
  EXPECT_EQ(ReadField("\xff", {.offset = uint64_t{1} << 32, .bits = 8, .is_signed = false}), 0);
}

TEST(BitField, ExtendsTheSignOfSignedFieldsOnly) {
  EXPECT_EQ(ReadField("\xff", {.offset = 0, .bits = 8, .is_signed = true}), -1);
  EXPECT_EQ(ReadField("\xff", {.offset = 0, .bits = 8, .is_signed = false}), 255);
  EXPECT_EQ(ReadField("\x40", {.offset = 1, .bits = 1, .is_signed = true}), -1);
}

TEST(BitField, WritesItsOwnBitsAndNoOthers) {
  constexpr uint64_t kSeed = 11;
  Random random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string text = RandomText(random);
    size_t total = text.size() * 8;
    BitField field{.bits = static_cast<unsigned>(1 + random.Below(std::min<size_t>(64, total)))};
    field.offset = random.Below(total - field.bits + 1);
    field.is_signed = random.Below(2) == 1 || field.bits == 64;
    std::string before = text;
    auto value = static_cast<int64_t>(random.Next());
    WriteField(text.data(), text.size(), field, value);
    for (uint64_t at = 0; at < total; ++at) {
      bool inside = at >= field.offset && at < field.offset + field.bits;
      uint64_t from_low = field.offset + field.bits - 1 - at;
      bool expected =
          inside ? (static_cast<uint64_t>(value) >> from_low & 1) != 0 : BitOf(before, at);
      ASSERT_EQ(BitOf(text, at), expected)
          << "seed " << kSeed << " round " << round << " bit " << at;
    }
    uint64_t mask = field.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << field.bits) - 1;
    ASSERT_EQ(static_cast<uint64_t>(ReadField(text, field)) & mask,
              static_cast<uint64_t>(value) & mask);
  }
}

}  // namespace
}  // namespace kiln
