#include "protocol/memcache/number.h"

#include <cerrno>
#include <cstdlib>
#include <string>

namespace kiln::memcache {
namespace {

bool IsEnd(char c) {
  return c == '\0' || c == ' ' || (c >= '\t' && c <= '\r');
}

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
  return static_cast<long long>(value) < 0 &&
         std::string_view(text.c_str()).find('-') != std::string_view::npos;
}

}  // namespace

bool ReadAnyInt32(std::string_view text, int32_t* number) {
  long wide = 0;
  if (!ReadWhole(std::string(text), std::strtol, &wide)) return false;
  *number = static_cast<int32_t>(wide);
  return true;
}

bool ReadAnyUint64(std::string_view text, uint64_t* number) {
  std::string terminated(text);
  unsigned long long value = 0;
  if (!ReadWhole(terminated, std::strtoull, &value) || IsNegative(terminated, value)) return false;
  *number = value;
  return true;
}

}  // namespace kiln::memcache
