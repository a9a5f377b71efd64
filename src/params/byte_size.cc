#include "params/byte_size.h"

#include <algorithm>

#include "base/number.h"
#include "params/value.h"

namespace kiln {
namespace {

constexpr int64_t kKiB = 1024;

struct Unit {
  std::string_view name;
  int64_t bytes;
};

constexpr Unit kUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", kKiB},
    {"m", 1000 * 1000},
    {"mb", kKiB* kKiB},
    {"g", 1000000000},
    {"gb", kKiB* kKiB* kKiB},
};

}  // namespace

std::optional<int64_t> ParseByteSize(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::optional<uint64_t> number = digits == 0 ? 0 : ParseUint64(text.substr(0, digits));
  for (const Unit& unit : kUnits) {
    if (!IsSameWord(text.substr(digits), unit.name)) continue;
    int64_t bytes = 0;
    if (!number || __builtin_mul_overflow(*number, unit.bytes, &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

std::string FormatByteSize(int64_t bytes) {
  constexpr Unit kRewriteUnits[] = {{"gb", kKiB * kKiB * kKiB}, {"mb", kKiB * kKiB}, {"kb", kKiB}};
  for (const Unit& unit : kRewriteUnits) {
    if (bytes == 0 || bytes % unit.bytes != 0) continue;
    return std::to_string(bytes / unit.bytes).append(unit.name);
  }
  return std::to_string(bytes);
}

}  // namespace kiln
