#include "engine/persist/rdb_input.h"

#include <endian.h>
#include <lzf.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/number.h"
#include "engine/store/record.h"

namespace kiln {
namespace {

// LZF turns three bytes into at most 264.
constexpr uint64_t kMaxExpansion = 88;

template <typename Number>
Number LoadAs(std::string_view bytes) {
  Number number = 0;
  if (bytes.size() == sizeof(number)) std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

}  // namespace

std::string_view RdbInput::Take(uint64_t bytes) {
  if (bytes > rest_.size()) {
    Break();
    return {};
  }
  std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

uint8_t RdbInput::Byte() {
  std::string_view taken = Take(1);
  return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
}

uint64_t RdbInput::LengthOrEncoding(bool* is_encoded) {
  uint8_t first = Byte();
  *is_encoded = first >> 6 == kRdbEncoded;
  if (*is_encoded || first >> 6 == kRdbLength6) return first & 63;
  if (first >> 6 == kRdbLength14) return static_cast<uint64_t>(first & 63) << 8 | Byte();
  if (first == kRdbLength32) return be32toh(LoadAs<uint32_t>(Take(4)));
  if (first == kRdbLength64) return be64toh(LoadAs<uint64_t>(Take(8)));
  Break();
  return 0;
}

uint64_t RdbInput::Length() {
  bool is_encoded = false;
  uint64_t length = LengthOrEncoding(&is_encoded);
  if (is_encoded) Break();
  return is_broken_ ? 0 : length;
}

uint64_t RdbInput::Count() {
  uint64_t count = Length();
  if (count > rest_.size()) Break();
  return is_broken_ ? 0 : count;
}

std::string_view RdbInput::Text() {
  bool is_encoded = false;
  uint64_t length = LengthOrEncoding(&is_encoded);
  return is_encoded ? EncodedText(length) : Take(length);
}

std::string_view RdbInput::EncodedText(uint64_t encoding) {
  switch (static_cast<RdbStringEncoding>(encoding)) {
    case RdbStringEncoding::kInt8:
      return Digits<int8_t>();
    case RdbStringEncoding::kInt16:
      return Digits<int16_t>();
    case RdbStringEncoding::kInt32:
      return Digits<int32_t>();
    case RdbStringEncoding::kLzf:
      return Decompress();
  }
  Break();
  return {};
}

template <typename Number>
std::string_view RdbInput::Digits() {
  static_assert(std::endian::native == std::endian::little);
  auto integer = static_cast<int64_t>(LoadAs<Number>(Take(sizeof(Number))));
  if (is_broken_) return {};
  room_.resize(kMaxInt64Chars);
  room_.resize(FormatInt64(integer, room_.data()));
  return room_;
}

std::string_view RdbInput::Decompress() {
  uint64_t packed_bytes = Length();
  uint64_t bytes = Length();
  std::string_view packed = Take(packed_bytes);
  if (bytes > packed.size() * kMaxExpansion || bytes > kMaxStringBytes) Break();
  if (is_broken_ || bytes == 0) {
    Break();
    return {};
  }
  room_.resize(bytes);
  unsigned int size = lzf_decompress(packed.data(), static_cast<unsigned int>(packed.size()),
                                     room_.data(), static_cast<unsigned int>(bytes));
  if (size != bytes) Break();
  return is_broken_ ? std::string_view() : std::string_view(room_);
}

int64_t RdbInput::Milliseconds() {
  return static_cast<int64_t>(le64toh(LoadAs<uint64_t>(Take(8))));
}

double RdbInput::Double() {
  uint64_t bits = le64toh(LoadAs<uint64_t>(Take(8)));
  double number = 0;
  std::memcpy(&number, &bits, 8);
  if (std::isnan(number)) Break();
  return is_broken_ ? 0 : number;
}

double RdbInput::TextDouble() {
  constexpr uint8_t kNan = 253, kInfinity = 254, kMinusInfinity = 255;
  uint8_t size = Byte();
  if (size == kInfinity) return std::numeric_limits<double>::infinity();
  if (size == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  std::optional<double> number = size == kNan ? std::nullopt : ParseDouble(Take(size));
  if (!number) Break();
  return number.value_or(0);
}

}  // namespace kiln
