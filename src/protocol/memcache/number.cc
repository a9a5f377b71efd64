#include "protocol/memcache/number.h"

#include <cerrno>
#include <cstdlib>
#include <string>

namespace kiln::memcache {
namespace {

bool ReadShort(std::string_view text, uint32_t* number) {
  constexpr size_t kSafeDigits = 9;
  if (text.empty() || text.size() > kSafeDigits) return false;
  uint32_t value = 0;
  for (char c : text) {
    unsigned digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  *number = value;
  return true;
}

bool IsEnd(char c) { return c == '\0' || c == ' ' || (c >= '\t' && c <= '\r'); }

// `read` is strtoul or one of its kin, which want a terminated text.
template <class T, class Read>
bool ReadWhole(const std::string& text, Read read, T* number) {
  errno = 0;
  char* end = nullptr;
  T value = read(text.c_str(), &end, 10);
  if (errno == ERANGE || end == text.c_str() || !IsEnd(*end)) return false;
  *number = value;
  return true;
}

// A '-' anywhere spoils an unsigned number whose top bit is set.
bool IsNegative(const std::string& text, unsigned long long value) {
  return static_cast<long long>(value) < 0 && std::string_view(text.c_str()).find('-') != std::string_view::npos;
}

}  // namespace

bool ReadUint32(std::string_view text, uint32_t* number) {
  if (ReadShort(text, number)) [[likely]] return true;
  uint64_t wide = 0;
  if (!ReadUint64(text, &wide)) return false;
  *number = static_cast<uint32_t>(wide);
  return true;
}

bool ReadInt32(std::string_view text, int32_t* number) {
  uint32_t small = 0;
  if (ReadShort(text, &small)) [[likely]] {
    *number = static_cast<int32_t>(small);
    return true;
  }
  long wide = 0;
  if (!ReadWhole(std::string(text), std::strtol, &wide)) return false;
  *number = static_cast<int32_t>(wide);
  return true;
}

bool ReadUint64(std::string_view text, uint64_t* number) {
  uint32_t small = 0;
  if (ReadShort(text, &small)) {
    *number = small;
    return true;
  }
  std::string terminated(text);
  unsigned long long value = 0;
  if (!ReadWhole(terminated, std::strtoull, &value) || IsNegative(terminated, value)) return false;
  *number = value;
  return true;
}

}  // namespace kiln::memcache
