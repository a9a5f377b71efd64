#include "engine/persist/rdb_output.h"

#include <endian.h>
#include <lzf.h>

#include <cstring>

#include "base/number.h"

namespace kiln {
namespace {

constexpr size_t kMaxIntegerDigits = 11;  // "-2147483648"
constexpr size_t kMinCompressedBytes = 20;

template <typename Number>
void Append(std::string* out, Number number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out->append(bytes, sizeof(bytes));
}

}  // namespace

void RdbOutput::Length(uint64_t length) {
  if (length < 1 << 6) {
    Byte(static_cast<uint8_t>(length));
  } else if (length < 1 << 14) {
    Byte(static_cast<uint8_t>(kRdbLength14 << 6 | length >> 8));
    Byte(static_cast<uint8_t>(length));
  } else if (length <= UINT32_MAX) {
    Byte(kRdbLength32);
    Append(&out_, htobe32(static_cast<uint32_t>(length)));
  } else {
    Byte(kRdbLength64);
    Append(&out_, htobe64(length));
  }
}

bool RdbOutput::EncodedInteger(int64_t integer) {
  auto encoding = [&](RdbStringEncoding which) {
    Byte(static_cast<uint8_t>(kRdbEncoded << 6 | static_cast<uint8_t>(which)));
  };
  if (integer == static_cast<int8_t>(integer)) {
    encoding(RdbStringEncoding::kInt8);
    Byte(static_cast<uint8_t>(integer));
  } else if (integer == static_cast<int16_t>(integer)) {
    encoding(RdbStringEncoding::kInt16);
    Append(&out_, htole16(static_cast<uint16_t>(integer)));
  } else if (integer == static_cast<int32_t>(integer)) {
    encoding(RdbStringEncoding::kInt32);
    Append(&out_, htole32(static_cast<uint32_t>(integer)));
  } else {
    return false;
  }
  return true;
}

// Compressed behind room for the longest head, then moved up to the head that it has.
bool RdbOutput::Compressed(std::string_view text) {
  if (!compresses_ || text.size() <= kMinCompressedBytes || text.size() > UINT32_MAX) return false;
  constexpr size_t kMaxHeadBytes = 1 + 5 + 5;
  size_t start = out_.size();
  size_t room = text.size() - 4;  // Less than that is not worth it.
  out_.resize(start + kMaxHeadBytes + room);
  char* packed = out_.data() + start + kMaxHeadBytes;
  unsigned int size = lzf_compress(text.data(), static_cast<unsigned int>(text.size()), packed,
                                   static_cast<unsigned int>(room));
  if (size == 0) {
    out_.resize(start);
    return false;
  }
  std::string head;  // Short enough to need no allocation.
  RdbOutput writer(&head, false);
  writer.Byte(
      static_cast<uint8_t>(kRdbEncoded << 6 | static_cast<uint8_t>(RdbStringEncoding::kLzf)));
  writer.Length(size);
  writer.Length(text.size());
  std::memcpy(out_.data() + start, head.data(), head.size());
  std::memmove(out_.data() + start + head.size(), packed, size);
  out_.resize(start + head.size() + size);
  return true;
}

void RdbOutput::Text(std::string_view text) {
  if (text.size() <= kMaxIntegerDigits) {
    if (auto integer = ParseInt64(text); integer && EncodedInteger(*integer)) return;
  }
  if (Compressed(text)) return;
  Length(text.size());
  out_.append(text);
}

void RdbOutput::Integer(int64_t integer) {
  if (EncodedInteger(integer)) return;
  char digits[kMaxInt64Chars];
  size_t size = FormatInt64(integer, digits);
  Length(size);
  out_.append(digits, size);
}

void RdbOutput::Double(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, 8);
  Append(&out_, htole64(bits));
}

void RdbOutput::Milliseconds(int64_t unix_time_ms) {
  Append(&out_, htole64(static_cast<uint64_t>(unix_time_ms)));
}

}  // namespace kiln
