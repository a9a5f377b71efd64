#include "protocol/memcache/binary.h"

#include <array>

namespace kiln::memcache {
namespace {

constexpr BinaryPart kNone = BinaryPart::kNone;
constexpr BinaryPart kMay = BinaryPart::kMay;
constexpr BinaryPart kMust = BinaryPart::kMust;

// clang-format off
constexpr BinaryOpcode kOpcodes[] = {
  // code command              extras     key    value  quiet  key back
  {0x00, "bin get",            0,  kNone, kMust, kNone},
  {0x01, "bin set",            8,  kMust, kMust, kMay},
  {0x02, "bin add",            8,  kMust, kMust, kMay},
  {0x03, "bin replace",        8,  kMust, kMust, kMay},
  {0x04, "bin delete",         0,  kNone, kMust, kNone},
  {0x05, "bin incr",           20, kMust, kMust, kNone},
  {0x06, "bin decr",           20, kMust, kMust, kNone},
  {0x07, "bin quit",           0,  kNone, kNone, kNone},
  {0x08, "bin flush",          4,  kMay,  kNone, kNone},
  {0x09, "bin get",            0,  kNone, kMust, kNone, true},
  {0x0a, "bin noop",           0,  kNone, kNone, kNone},
  {0x0b, "bin version",        0,  kNone, kNone, kNone},
  {0x0c, "bin get",            0,  kNone, kMust, kNone, false, true},
  {0x0d, "bin get",            0,  kNone, kMust, kNone, true,  true},
  {0x0e, "bin append",         0,  kNone, kMust, kMay},
  {0x0f, "bin prepend",        0,  kNone, kMust, kMay},
  {0x10, "bin stat",           0,  kNone, kMay,  kNone},
  {0x11, "bin set",            8,  kMust, kMust, kMay,  true},
  {0x12, "bin add",            8,  kMust, kMust, kMay,  true},
  {0x13, "bin replace",        8,  kMust, kMust, kMay,  true},
  {0x14, "bin delete",         0,  kNone, kMust, kNone, true},
  {0x15, "bin incr",           20, kMust, kMust, kNone, true},
  {0x16, "bin decr",           20, kMust, kMust, kNone, true},
  {0x17, "bin quit",           0,  kNone, kNone, kNone, true},
  {0x18, "bin flush",          4,  kMay,  kNone, kNone, true},
  {0x19, "bin append",         0,  kNone, kMust, kMay,  true},
  {0x1a, "bin prepend",        0,  kNone, kMust, kMay,  true},
  {0x1c, "bin touch",          4,  kMust, kMust, kNone},
  {0x1d, "bin gat",            4,  kMust, kMust, kNone},
  {0x1e, "bin gat",            4,  kMust, kMust, kNone, true},
  {0x20, "bin sasl_list",      0,  kNone, kNone, kNone, false, false, true},
  {0x21, "bin sasl_start",     0,  kNone, kMust, kMay,  false, false, true},
  {0x22, "bin sasl_step",      0,  kNone, kMust, kMay,  false, false, true},
  {0x23, "bin gat",            4,  kMust, kMust, kNone, false, true},
  {0x24, "bin gat",            4,  kMust, kMust, kNone, true,  true},
  {0x60, "bin config_get",     0,  kNone, kMust, kNone},
  {0x64, "bin config_set",     4,  kMust, kMust, kMay},
  {0x66, "bin config_delete",  0,  kNone, kMust, kNone},
};
// clang-format on

constexpr auto kByCode = [] {
  std::array<const BinaryOpcode*, 256> rows{};
  for (const BinaryOpcode& row : kOpcodes) rows[row.code] = &row;
  return rows;
}();

}  // namespace

const BinaryOpcode* FindBinaryOpcode(uint8_t code) {
  return kByCode[code];
}

std::string_view TextOf(BinaryStatus status) {
  switch (status) {
    case BinaryStatus::kOk:
    case BinaryStatus::kAuthContinue:
      return "";
    case BinaryStatus::kNotFound:
      return "Not found";
    case BinaryStatus::kExists:
      return "Data exists for key.";
    case BinaryStatus::kTooLarge:
      return "Too large.";
    case BinaryStatus::kBadArguments:
      return "Invalid arguments";
    case BinaryStatus::kNotStored:
      return "Not stored.";
    case BinaryStatus::kNotNumber:
      return "Non-numeric server-side value for incr or decr";
    case BinaryStatus::kAuthError:
      return "Auth failure.";
    case BinaryStatus::kUnknownCommand:
      return "Unknown command";
    case BinaryStatus::kOutOfMemory:
      return "Out of memory";
  }
  return "";
}

}  // namespace kiln::memcache
